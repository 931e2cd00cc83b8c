/* settings.h - trouped.conf: what holds for the daemon as a whole.
 *
 * A value of the caller (init/fini), checked and complete; nothing changes it after
 * settings_load(). Master process, one thread. All keys are in [Daemon];
 * docs/configuration.md describes them to people:
 *
 *   Workers=             worker processes, 1 .. LIMIT_WORKERS; default: the processors that
 *                        this process may use
 *   Socket=              absolute path of the control socket, at most 107 bytes; default:
 *                        RuntimeDirectory=/control.sock
 *   RuntimeDirectory=    absolute path; the workers' inboxes lie below it
 *   StateDirectory=      absolute path; units have their own directories in it
 *   PluginPath=          directories to search for plug-ins named without a slash, before
 *                        the built-in ones; list
 *   LogLevel=            error, warning, notice, info (default), debug, or 3 .. 7
 *   FrameMax=            bytes of one message on the control socket, 4K .. 16M; default 1M
 *   Connections=         on the control socket, 1 .. 4096 (default)
 *   ConnectionsPerUser=  1 .. 1024 (default)
 *   WorkerWatchdog=      for a worker's loop to come round; then its process is killed, and the
 *                        actor whose handler it is in counts as crashed; 0: never; default 30s
 *   SlowHandler=         a handler that runs longer than that is reported, with its
 *                        backtrace, while it runs; less than 1ms is 1ms; 0, infinity: none
 *                        is; default 50ms
 *   WorkerMemory=        bytes that the messages and states of one worker should take at most,
 *                        or a percentage of what this process may have; at least 64M; infinity:
 *                        no bound; default: see memory.h
 *   BlockingThreads=     of one worker, for its actors' blocking jobs, 1 .. 64; default 4
 *   ObserveGroup=        a group (name or number): only its members, and those of the groups
 *                        below, may observe; default: everyone may
 *   CallGroup=           its members may call actors; default troupe-call if there is one
 *   ManageGroup=         its members may manage too; default: none
 *   DeployGroup=         its members may spawn units too, which is running code as the daemon;
 *                        default: none
 *
 * and those of life_keys.h, which hold for units that do not say otherwise. StopTimeout= is
 * also that of the daemon itself.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "config/conf_key.h"
#include "config/conf_path.h"
#include "config/life_keys.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SETTINGS_GROUP_NAME 256

struct settings_group {
	bool is_set;
	gid_t gid;
	char name[SETTINGS_GROUP_NAME]; /* "": it was given by number */
};

struct settings {
	unsigned workers;
	char *socket;
	char *runtime_directory;
	char *state_directory;
	struct conf_list plugin_path;
	int log_level; /* as in base/log.h */
	size_t frame_max;
	unsigned connections, connections_uid;
	uint64_t worker_watchdog_ns; /* 0, TEXT_INFINITY: never */
	unsigned blocking_threads;   /* of a worker */
	uint64_t slow_handler_ns;    /* 0, TEXT_INFINITY: none is reported */
	uint64_t worker_memory;      /* bytes; 0: the default; TEXT_INFINITY: no bound */
	struct life_keys life;
	struct settings_group observe, call, manage, deploy;
	const struct settings *before; /* while it is read: see settings_load() */
};

/* Read trouped.conf and its drop-ins as found by `path`. Groups are looked for in /etc/group,
 * and then in all that the system's name service knows, which may take any time; but not where
 * `before` (NULL: there is none) has the settings in force: then what they know of groups is
 * used, and nothing is waited for. -EINVAL: problems were noted, *settings is as after
 * settings_fini(); -ENOMEM. */
int settings_load(struct settings *settings, const struct conf_path *path,
		  const struct settings *before, struct problems *problems);
void settings_fini(struct settings *settings);

/* Of what was read anew, take back what only the daemon's next start may change: `after` keeps
 * the values in force, `before` has the new ones. on_change: for each key that differs, those
 * (CONF_RESTART) and others. */
void settings_keep(struct settings *before, struct settings *after,
		   void (*on_change)(void *context, const struct conf_key *key), void *context);

#endif
