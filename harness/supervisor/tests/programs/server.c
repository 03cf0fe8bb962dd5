// A server that waits by epoll for its clients, a timer and a pipe; its clients are threads, of which one sends signals.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
enum { CLIENTS = 4, MESSAGES = 25 };
static int ends[CLIENTS][2], raised[2];
static pthread_t server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int raced, guarded;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static void handle(int signal) { char byte = 1; write(raised[1], &byte, 1); }
static void *talk(void *number) {
    int me = (int)(long)number;
    for (int i = 0; i < MESSAGES; i++) {
        unsigned short drawn;
        getrandom(&drawn, sizeof drawn, 0);
        usleep(drawn);
        char text[64];
        int length = snprintf(text, sizeof text, "%d/%d at %.9f", me, i, now());
        send(ends[me][1], text, length, 0);
        int read = raced;
        pthread_mutex_lock(&lock), guarded++, pthread_mutex_unlock(&lock);
        raced = read + 1;
        if (me == 0 && i % 5 == 0) pthread_kill(server, SIGUSR1);
    }
    shutdown(ends[me][1], SHUT_WR);
    return 0;
}
int main(void) {
    pthread_t threads[CLIENTS];
    struct epoll_event event = {EPOLLIN};
    int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), open = CLIENTS;
    struct itimerspec every = {{0, 50000000}, {0, 50000000}};
    server = pthread_self();
    pipe(raised), signal(SIGUSR1, handle);
    event.data.u32 = 100, epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    event.data.u32 = 101, epoll_ctl(epoll, EPOLL_CTL_ADD, raised[0], &event);
    for (long i = 0; i < CLIENTS; i++) {
        socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[i]);
        event.data.u32 = i, epoll_ctl(epoll, EPOLL_CTL_ADD, ends[i][0], &event);
        pthread_create(threads + i, 0, talk, (void *)i);
    }
    timerfd_settime(timer, 0, &every, 0);
    while (open > 0) {
        struct epoll_event ready[8];
        int count = epoll_wait(epoll, ready, 8, 1000);
        if (count < 0) printf("%.9f interrupted\n", now());
        for (int i = 0; i < count; i++) {
            unsigned who = ready[i].data.u32;
            char bytes[65] = {0};
            if (who == 100) { unsigned long ticks = 0; read(timer, &ticks, 8); printf("%.9f ticks %lu\n", now(), ticks); continue; }
            if (who == 101) { read(raised[0], bytes, 64); printf("%.9f signal\n", now()); continue; }
            if (recv(ends[who][0], bytes, 64, 0) <= 0) { open--, epoll_ctl(epoll, EPOLL_CTL_DEL, ends[who][0], 0); continue; }
            printf("%.9f %s\n", now(), bytes);
        }
    }
    for (int i = 0; i < CLIENTS; i++) pthread_join(threads[i], 0);
    printf("guarded %d raced %d\n", guarded, raced);
}
