// Two threads that wait for each other without any call, in turns; with an argument one alone that waits for ever.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static volatile int turn;
static void *other(void *nothing) {
    for (int round = 0; round < 3; round++) {
        while (turn != 1) {}
        printf("hop ");
        fflush(stdout);
        usleep(1000);
        turn = 0;
    }
    return 0;
}
int main(int count, char **words) {
    pthread_t thread;
    if (count > 1) turn = 2;
    while (turn == 2) {}
    pthread_create(&thread, 0, other, 0);
    for (int round = 0; round < 3; round++) {
        while (turn != 0) {}
        usleep(100);
        turn = 1;
    }
    pthread_join(thread, 0);
    printf("\n");
}
