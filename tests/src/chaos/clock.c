/* Preloaded into a controller, this puts its wall clock off by the seconds that stand in the file $CHAOS_CLOCK. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(clock, now);
    const char *path = getenv("CHAOS_CLOCK");
    if (clock != CLOCK_REALTIME || answer != 0 || !path)
        return answer;
    FILE *file = fopen(path, "re");
    long off = 0;
    if (file) {
        if (fscanf(file, "%ld", &off) == 1)
            now->tv_sec += off;
        fclose(file);
    }
    return answer;
}
