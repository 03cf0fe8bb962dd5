// Calls that virtual time does not reach.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
int main(int count, char **words) {
    const char *what = words[1];
    char buffer[1000];
    if (!strcmp(what, "processor")) read(open("/proc/self/stat", O_RDONLY), buffer, 1000);
    if (!strcmp(what, "timer")) { struct itimerval t = {{0, 0}, {100, 0}}; setitimer(ITIMER_PROF, &t, 0); }
    if (!strcmp(what, "signalfd")) { sigset_t s; sigemptyset(&s); signalfd(-1, &s, 0); }
    if (!strcmp(what, "lock")) { struct flock l = {F_WRLCK}; fcntl(open("file", O_RDWR | O_CREAT, 0600), F_SETLKW, &l); }
    if (!strcmp(what, "queue")) syscall(SYS_mq_open, "/no", 0, 0, 0);
    if (!strcmp(what, "many")) {
        for (int i = 0; i < 300; i++) {
            sprintf(buffer, "a-long-name-of-a-file-that-fills-the-room-%0100d", i);
            close(open(buffer, O_CREAT | O_RDWR, 0600));
        }
        syscall(SYS_getdents64, open(".", O_RDONLY), buffer, 1000);
    }
    if (!strcmp(what, "seccomp")) prctl(PR_SET_SECCOMP, 2, 0);
    if (!strcmp(what, "filter")) syscall(SYS_seccomp, 2, 0, 0);
    if (!strcmp(what, "trace")) syscall(SYS_ptrace, 0, 0, 0, 0);
    if (!strcmp(what, "lend")) { int word = 0; syscall(SYS_futex, &word, 6, 0, 0); }
    if (!strcmp(what, "semaphore")) syscall(SYS_semget, 0, 1, 0600);
    if (!strcmp(what, "uring")) printf("%ld\n", syscall(SYS_io_uring_setup, 1, buffer));
    if (!strcmp(what, "unknown")) syscall(1000);
    printf("over\n");
}
