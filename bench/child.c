/* The supervised program: child NAME EVENTS [RATE SECONDS]
 *
 * Appends "NAME EVENT NS VALUE" to the file EVENTS at exec and at SIGTERM, which ends it: NS is
 * CLOCK_MONOTONIC, VALUE the PID. With RATE it first writes so many numbered lines per second to
 * stdout, and then an event "flooded", whose VALUE is their number.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 100, MARKER = sizeof " flood 00000000\n" - 1 };

static const long long SECOND = 1000000000;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

/* One write() with O_APPEND, so that events of different programs never mix. */
static void record(char **argv, const char *event, long long ns, long value)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%s %s %lld %ld\n", argv[1], event, ns, value);
    int file = open(argv[2], O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file < 0 || write(file, line, length) != length)
        exit(1);
    close(file);
}

/* Writes each millisecond what is due by then, and so makes up for the time that it was blocked. */
static long flood(long rate, long seconds)
{
    char line[LINE + MARKER];
    long long begun = now(), elapsed;
    long written = 0;
    memset(line, 'x', LINE);
    while ((elapsed = now() - begun) < seconds * SECOND) {
        for (long due = elapsed * rate / SECOND; written < due; written++) {
            snprintf(line + LINE - MARKER, 2 * MARKER, " flood %08ld\n", written);
            if (write(STDOUT_FILENO, line, LINE) != LINE)
                exit(1);
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return written;
}

int main(int argc, char **argv)
{
    long long started = now();
    sigset_t term;
    int received;

    if (argc != 3 && argc != 5)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a supervisor that crashes leaves none behind */
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    record(argv, "exec", started, getpid());
    if (argc == 5) {
        long written = flood(atol(argv[3]), atol(argv[4]));
        record(argv, "flooded", now(), written);
    }
    sigwait(&term, &received);
    record(argv, "term", now(), getpid());
    return 0;
}
