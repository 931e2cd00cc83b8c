/* restart_keys.h - the keys that trouped.conf and unit files have in common: when to restart,
 * and when to give up. Pure; master process, one thread. */
#ifndef MASTER_RESTART_KEYS_H
#define MASTER_RESTART_KEYS_H

#include "master/conf_key.h"
#include <stdint.h>

struct restart_keys {
	uint64_t delay_ns;     /* RestartDelay= */
	uint64_t delay_max_ns; /* RestartDelayMax= */
	uint32_t burst;        /* StartLimitBurst=; 0: no limit */
	uint64_t interval_ns;  /* StartLimitInterval= */
};

/* The defaults: 100ms, 30s, 10 in 1min. */
void restart_keys_init(struct restart_keys *keys);

/* The table that fills in `keys`; an empty value takes a field back to what `defaults` says. */
struct conf_table restart_keys_table(struct restart_keys *keys,
				     const struct restart_keys *defaults);

#endif
