// Runs a program in a system that refuses a call: `refusing CALL PROGRAM ARGUMENT...`.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
static const struct { const char *name; int number, flags; } calls[] = {
    {"ptrace", SYS_ptrace, 0}, {"seccomp", SYS_seccomp, 0}, {"pidfd_getfd", SYS_pidfd_getfd, 0},
    {"process_vm_readv", SYS_process_vm_readv, 0}, {"process_vm_writev", SYS_process_vm_writev, 0},
    {"namespaces", SYS_clone, CLONE_NEWPID}, {"sched_setaffinity", SYS_sched_setaffinity, 0},
};
int main(int count, char **words) {
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i].name, words[1])) continue;
        struct sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
            BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, calls[i].flags ? calls[i].flags : ~0u, 0, calls[i].flags ? 1 : 0),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = {sizeof program / sizeof *program, program};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) return 99;
        execv(words[2], words + 2);
    }
    return 98;
}
