/* restart_keys.h - the keys that trouped.conf and unit files have in common: when to restart,
 * and when to give up. Pure; master process, one thread. */
#ifndef MASTER_RESTART_KEYS_H
#define MASTER_RESTART_KEYS_H

#include "master/conf.h"
#include <stdint.h>

struct restart_keys {
	uint64_t delay_ns;     /* RestartDelay= */
	uint64_t delay_max_ns; /* RestartDelayMax= */
	unsigned burst;        /* StartLimitBurst=; 0: no limit */
	uint64_t interval_ns;  /* StartLimitInterval= */
};

/* The defaults: 100ms, 30s, 10 in 1min. */
void restart_keys_init(struct restart_keys *keys);

/* Take in an assignment if it is one of these keys. -ENOENT: it is not; -EINVAL: its value
 * (specifiers expanded) is wrong, and the problem was noted. An empty value takes it back to
 * what `defaults` says. */
int restart_keys_set(struct restart_keys *keys, const struct restart_keys *defaults,
		     const struct conf_entry *entry, const char *value,
		     struct problems *problems);

#endif
