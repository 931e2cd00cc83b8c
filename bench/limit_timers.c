/* limit_timers.c - sleepers, as bare timers of libev: what the row "timers" is held against.
 *
 * Prints one line, as limit.c does:
 * "RESULT,timers,SLEEPERS:LONGEST-MS,SECONDS,AWAKE,BYTES-PER-SLEEPER,PEAK-KIB".
 *
 *   limit_timers SLEEPERS LONGEST-MS
 */
#include <ev.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long peak_kib(void)
{
	char line[128];
	long peak = 0;
	FILE *file = fopen("/proc/self/status", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %ld", &peak) == 1)
			break;
	if (file)
		fclose(file);
	return peak;
}

static void on_awake(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	++*(uint64_t *)ev_userdata(loop);
}

int main(int argc, char **argv)
{
	uint64_t n = argc == 3 ? strtoull(argv[1], NULL, 10) : 0, awake = 0;
	double longest = argc == 3 ? strtod(argv[2], NULL) / 1000 : 0, began, seconds;
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer *timers;
	long before = peak_kib();

	if (n == 0 || longest <= 0 || !loop) {
		fprintf(stderr, "usage: limit_timers SLEEPERS LONGEST-MS\n");
		return 2;
	}
	ev_set_userdata(loop, &awake);
	srandom(1);
	began = now();
	ev_now_update(loop);
	timers = malloc(n * sizeof(*timers));
	if (!timers) {
		perror("limit_timers");
		return 1;
	}
	for (uint64_t i = 0; i < n; i++) {
		ev_timer_init(&timers[i], on_awake, longest * (double)random() / RAND_MAX, 0);
		ev_timer_start(loop, &timers[i]);
	}
	ev_run(loop, 0);
	seconds = now() - began;
	printf("RESULT,timers,%s:%s,%.6f,%llu,%.1f,%ld\n", argv[1], argv[2], seconds,
	       (unsigned long long)awake, (double)(peak_kib() - before) * 1024 / (double)n,
	       peak_kib());
	free(timers);
	ev_loop_destroy(loop);
	return 0;
}
