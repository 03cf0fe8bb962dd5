// Waits by each call: poll, select, epoll, timers behind descriptors, signals, children, pipes that are full.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
#define SAY(...) do { char said[200]; snprintf(said, sizeof said, __VA_ARGS__); printf("%.6f %s\n", now(), said); fflush(stdout); } while (0)
static volatile int alarms;
static void count(int signal) { alarms++; }
static void child_for(int seconds, int code) { sleep(seconds); _exit(code); }
int main(void) {
    int ends[2], more[2];
    pipe(ends), pipe(more);
    struct pollfd polled = {ends[0], POLLIN, 0};
    SAY("poll %d", poll(&polled, 1, 1500));
    fd_set set;
    FD_ZERO(&set); FD_SET(ends[0], &set);
    struct timeval brief = {2, 500000};
    int ready = select(ends[0] + 1, &set, 0, 0, &brief);
    SAY("select %d left %ld.%06ld", ready, brief.tv_sec, brief.tv_usec);
    if (!fork()) { sleep(4); write(ends[1], "hello", 5); _exit(7); }
    char buffer[100000];
    SAY("read %zd", read(ends[0], buffer, sizeof buffer));
    int status;
    pid_t child = wait(&status);
    SAY("wait %d status %d", child, WEXITSTATUS(status));
    int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {EPOLLIN, {.fd = timer}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    struct itimerspec every = {{1, 0}, {0, 250000000}};
    timerfd_settime(timer, 0, &every, 0);
    for (int i = 0; i < 3; i++) {
        unsigned long times = 0;
        ready = epoll_wait(epoll, &event, 1, -1);
        read(timer, &times, 8);
        SAY("epoll %d timer %lu", ready, times);
    }
    sleep(5);
    unsigned long times = 0;
    read(timer, &times, 8);
    SAY("timer %lu", times);
    struct sigaction action = {.sa_handler = count};
    sigaction(SIGALRM, &action, 0);
    struct itimerval alarm = {{0, 0}, {3, 0}};
    setitimer(ITIMER_REAL, &alarm, 0);
    int paused = pause();
    SAY("pause %d errno %d alarms %d", paused, errno, alarms);
    timer_t posix;
    struct sigevent by = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_create(CLOCK_MONOTONIC, &by, &posix);
    struct itimerspec once = {{0, 0}, {2, 0}};
    timer_settime(posix, 0, &once, 0);
    struct timespec ten = {10, 0}, left = {0, 0};
    int slept = nanosleep(&ten, &left);
    SAY("sleep %d errno %d left %ld alarms %d", slept, errno, left.tv_sec, alarms);
    sigset_t wanted;
    sigemptyset(&wanted), sigaddset(&wanted, SIGUSR1);
    sigprocmask(SIG_BLOCK, &wanted, 0);
    if (!(child = fork())) { sleep(1); kill(getppid(), SIGUSR1); child_for(1, 0); }
    SAY("signal %d", sigwaitinfo(&wanted, 0));
    waitpid(child, 0, 0);
    SAY("child is over");
    if (!(child = fork())) {
        sleep(2);
        while (read(more[0], buffer, sizeof buffer) > 0) if (buffer[0] == 'e') _exit(0);
    }
    for (int i = 0; i < 40; i++) write(more[1], buffer, 4096);
    SAY("wrote it all");
    write(more[1], "e", 1);
    waitpid(child, 0, 0);
    int lock = open("lock", O_CREAT | O_RDWR, 0600);
    flock(lock, LOCK_EX);
    if (!fork()) {
        int other = open("lock", O_RDWR);
        flock(other, LOCK_EX);
        SAY("the child has the lock");
        _exit(0);
    }
    sleep(3);
    SAY("the parent leaves the lock");
    flock(lock, LOCK_UN);
    wait(0);
    int event_fd = eventfd(0, 0);
    if (!fork()) { unsigned long one = 1; sleep(2); write(event_fd, &one, 8); _exit(0); }
    read(event_fd, &times, 8);
    SAY("event %lu", times);
    wait(0);
    SAY("over: %d", system("sleep 3; exit 5") >> 8);
}
