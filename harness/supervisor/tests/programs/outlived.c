// The first thread ends before the others; the last of them ends all.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static pthread_t first;
static void *wait_for_it(void *nothing) { printf("joined %d\n", pthread_join(first, 0)), fflush(stdout); for (;;) pause(); }
static void *end(void *nothing) { sleep(3), printf("over\n"), exit(5); }
int main(void) {
    pthread_t thread;
    first = pthread_self();
    for (int i = 0; i < 8; i++) pthread_create(&thread, 0, i == 0 ? end : i == 1 ? wait_for_it : (void *(*)(void *))pause, 0);
    sleep(1);
    pthread_exit(0);
}
