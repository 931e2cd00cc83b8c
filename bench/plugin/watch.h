/* watch.h - clock and memory of a measurement. */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static inline double watch_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double watch_resident_bytes(void)
{
	long all = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%ld %ld", &all, &resident) != 2)
		resident = 0;
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

#endif
