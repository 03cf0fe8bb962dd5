// Reads each clock in each way, with pauses of three seconds between.
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>
static void show(const char *what, struct timespec t) { printf("%s %ld.%09ld\n", what, t.tv_sec, t.tv_nsec); }
int main(void) {
    for (int i = 0; i < 3; i++) {
        struct timespec t;
        struct timeval v;
        struct rusage usage;
        struct sysinfo information;
        clock_gettime(CLOCK_MONOTONIC, &t), show("monotonic", t);
        clock_gettime(CLOCK_REALTIME, &t), show("wall", t);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), show("processor", t);
        syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &t), show("boot", t);
        gettimeofday(&v, 0), printf("day %ld.%06ld\n", v.tv_sec, v.tv_usec);
        getrusage(RUSAGE_SELF, &usage), printf("usage %ld.%06ld\n", usage.ru_utime.tv_sec, usage.ru_utime.tv_usec);
        sysinfo(&information), printf("up %ld\n", information.uptime);
        printf("time %ld clock %ld times %ld\n", time(0), clock(), times(0));
        unsigned low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        printf("processor %u %u\n", low, high);
        struct timespec three = {3, 0};
        nanosleep(&three, 0);
    }
    // Who waits for a clock comes to an end.
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do clock_gettime(CLOCK_MONOTONIC, &now); while (now.tv_sec < begin.tv_sec + 2);
    show("waited until", now);
    return 3;
}
