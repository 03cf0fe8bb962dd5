// Threads that hand a token around by a condition, a barrier, a semaphore, and waiting with a deadline.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int turn;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static void *go(void *number) {
    int me = (int)(long)number;
    for (int i = 0; i < 5; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 4 != me) pthread_cond_wait(&changed, &lock);
        printf("%d at %.9f\n", me, now());
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        usleep(1000 * me);
    }
    pthread_barrier_wait(&barrier);
    sem_post(&semaphore);
    return 0;
}
int main(void) {
    pthread_t threads[4];
    pthread_barrier_init(&barrier, 0, 4);
    sem_init(&semaphore, 0, 0);
    for (long i = 0; i < 4; i++) pthread_create(threads + i, 0, go, (void *)i);
    for (int i = 0; i < 4; i++) sem_wait(&semaphore);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 100;
    pthread_mutex_lock(&lock);
    int result = pthread_cond_timedwait(&changed, &lock, &deadline);
    printf("%s at %.9f\n", result == ETIMEDOUT ? "over" : "?", now());
}
