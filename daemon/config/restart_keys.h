/* restart_keys.h - the keys that trouped.conf and unit files have in common: when to restart,
 * and when to give up. Pure; master process, one thread. */
#ifndef CONFIG_RESTART_KEYS_H
#define CONFIG_RESTART_KEYS_H

#include "config/conf_key.h"
#include "supervise/restart.h"
#include <stdbool.h>
#include <stdint.h>

#define RESTART_KEYS_CRASHES 5 /* in a row; fewer where GiveUpAfter= is less */

enum restart_give_up { RESTART_GIVE_UP_FAIL, RESTART_GIVE_UP_NEVER };

struct restart_limit {
	uint32_t after;               /* GiveUpAfter= */
	enum restart_give_up give_up; /* GiveUp= */
};

struct restart_keys {
	uint64_t delay_ns;          /* RestartDelay= */
	uint64_t delay_max_ns;      /* RestartDelayMax= */
	uint64_t healthy_ns;        /* HealthyAfter= */
	struct restart_limit limit; /* StartLimitBurst= sets both */
};

/* The defaults: 100ms, 30s, 10s, 10, fail. */
void restart_keys_init(struct restart_keys *keys);

/* The table that fills in `keys`; an empty value takes a field back to what `defaults` says.
 * The former names, StartLimitBurst= and StartLimitInterval=, are read with a warning. */
struct conf_table restart_keys_table(struct restart_keys *keys,
				     const struct restart_keys *defaults);

/* Warn of combinations that are of no use or surprising, where `conf` sets one of these keys in
 * `section`. Each limit can be reached in any case: see supervise/restart.h. */
void restart_keys_check(const struct restart_keys *keys, const struct conf *conf,
			const char *section, struct problems *problems);

/* The rules for a unit's actor. */
struct restart_config restart_keys_config(const struct restart_keys *keys,
					  enum restart_policy policy);

#endif
