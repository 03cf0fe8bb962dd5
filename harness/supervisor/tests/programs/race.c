// Two threads each add to a sum ten times, and forget to hold the lock from reading to writing.
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int sum;
static void *add(void *nothing) {
    for (int i = 0; i < 10; i++) {
        struct timespec brief = {0, 100000};
        nanosleep(&brief, 0);
        pthread_mutex_lock(&lock);
        int read = sum;
        pthread_mutex_unlock(&lock);
        sched_yield();
        pthread_mutex_lock(&lock);
        sum = read + 1;
        pthread_mutex_unlock(&lock);
    }
    return 0;
}
int main(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(threads + i, 0, add, 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
    printf("%d\n", sum);
}
