// Sends, syncs and renames in turn, and tells before each; with a file it writes to something that is no socket.
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
    int ends[2], file = open("file", O_CREAT | O_RDWR, 0600);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
    setvbuf(stdout, 0, _IONBF, 0);
    for (int i = 1; i <= 5; i++) {
        printf("round %d\n", i);
        write(file, "x", 1);
        if (i % 2) write(ends[0], "x", 1);
        else send(ends[0], "x", 1, 0);
        printf("sent\n");
        fsync(file);
        printf("synced\n");
        rename(i % 2 ? "file" : "other", i % 2 ? "other" : "file");
        printf("renamed\n");
    }
}
