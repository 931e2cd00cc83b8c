/* life_keys.h - the keys that trouped.conf and unit files have in common: how long an actor may
 * take to start and to stop, when to restart it, and when to give up. A unit's are those of
 * trouped.conf but for what it says itself.
 *
 *   StartTimeout=     of its init; default 30s
 *   StopTimeout=      until an ordered stop becomes a kill; default 10s
 *   RestartDelay=     before the first restart; default 100ms
 *   RestartDelayMax=  that it grows to with each failure in a row; default 30s
 *   HealthyAfter=     a life of this length ends the row; default 10s
 *   GiveUpAfter=      failures in a row after which an actor is given up; default 10
 *   GiveUp=           fail (default), or never
 *
 * Pure; master process, one thread. */
#ifndef CONFIG_LIFE_KEYS_H
#define CONFIG_LIFE_KEYS_H

#include "base/clock.h"
#include "base/text.h"
#include "config/conf_key.h"
#include "supervise/restart.h"
#include <stdint.h>

#define LIFE_KEYS_CRASHES 5 /* in a row; fewer where GiveUpAfter= is less */

enum restart_give_up { RESTART_GIVE_UP_FAIL, RESTART_GIVE_UP_NEVER };

struct restart_limit {
	uint32_t after;               /* GiveUpAfter= */
	enum restart_give_up give_up; /* GiveUp= */
};

struct life_keys {
	uint64_t start_timeout_ns;  /* StartTimeout=; TEXT_INFINITY: no deadline */
	uint64_t stop_timeout_ns;   /* StopTimeout=, likewise */
	uint64_t delay_ns;          /* RestartDelay= */
	uint64_t delay_max_ns;      /* RestartDelayMax= */
	uint64_t healthy_ns;        /* HealthyAfter= */
	struct restart_limit limit; /* StartLimitBurst= sets both */
};

/* The defaults. */
void life_keys_init(struct life_keys *keys);

#define LIFE_KEYS_DAY_NS       (24ull * 3600 * CLOCK_SECOND_NS)
#define LIFE_KEYS_FAILURES_MAX 1000u
#define LIFE_KEYS_BURST_MAX    64u /* of StartLimitBurst= */
#define LIFE_KEY(type, name, setter, member, ...)                                              \
	{                                                                                      \
		name, setter, CONF_FIELD(type, life.member, IN_PLACE), __VA_ARGS__             \
	}

/* The keys, as items of the table of a struct that has them as its member `life`. The former
 * names, StartLimitBurst= and StartLimitInterval=, are read with a warning. */
#define LIFE_KEYS(type)                                                                        \
	LIFE_KEY(type, "StartTimeout", conf_set_span, start_timeout_ns, CLOCK_MS_NS,           \
		 TEXT_INFINITY),                                                               \
		LIFE_KEY(type, "StopTimeout", conf_set_span, stop_timeout_ns, CLOCK_MS_NS,     \
			 TEXT_INFINITY),                                                       \
		LIFE_KEY(type, "RestartDelay", conf_set_span, delay_ns, 0, LIFE_KEYS_DAY_NS),  \
		LIFE_KEY(type, "RestartDelayMax", conf_set_span, delay_max_ns, 0,              \
			 LIFE_KEYS_DAY_NS),                                                    \
		LIFE_KEY(type, "HealthyAfter", conf_set_span, healthy_ns, CLOCK_MS_NS,         \
			 7 * LIFE_KEYS_DAY_NS),                                                \
		LIFE_KEY(type, "GiveUpAfter", conf_set_uint, limit.after, 1,                   \
			 LIFE_KEYS_FAILURES_MAX),                                              \
		LIFE_KEY(type, "GiveUp", conf_set_choice, limit.give_up,                       \
			 .choices = restart_give_up_names),                                    \
		LIFE_KEY(type, "StartLimitBurst", life_keys_set_burst, limit, 0,               \
			 LIFE_KEYS_BURST_MAX),                                                 \
		LIFE_KEY(type, "StartLimitInterval", life_keys_set_interval, healthy_ns, 0,    \
			 7 * LIFE_KEYS_DAY_NS)
extern const char *const restart_give_up_names[]; /* ends in NULL */
conf_setter life_keys_set_burst, life_keys_set_interval;

/* Warn of combinations that are of no use or surprising, where `conf` sets one of the keys of
 * restarts in `section`. Each limit can be reached in any case: see supervise/restart.h. */
void life_keys_check(const struct life_keys *keys, const struct conf *conf, const char *section,
		     struct problems *problems);

/* The rules for a unit's actor. */
struct restart_rules life_keys_restart(const struct life_keys *keys,
				       enum restart_policy policy);

#endif
