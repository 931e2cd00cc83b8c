/* settings.h - what a unit's [Config] and a call ask for, checked, with defaults.
 *
 * Memory of the caller, init/fini; texts are copies.
 */
#ifndef HTTP_CLIENT_SETTINGS_H
#define HTTP_CLIENT_SETTINGS_H

#include "http-client.varlink.h"
#include "networks.h"

#define PHASES (HTTP_CLIENT_PHASE_TOTAL + 1)

/* By enum http_client_phase; QUEUE has none of its own. UINT64_MAX: no limit. */
struct limits {
	uint64_t ns[PHASES];
};

struct settings {
	unsigned connections;
	unsigned connections_per_host;
	unsigned waiting;
	uint64_t memory;
	uint64_t body_max;
	struct limits limits;
	unsigned redirects;
	unsigned retries;
	uint64_t retry_delay_ns;
	uint64_t retry_delay_max_ns;
	bool http2;
	bool compressed;
	char *user_agent;
	char *ca_file; /* NULL: the system's */
	char *proxy;   /* a URL, or NULL */
	char **no_proxy;
	size_t n_no_proxy;
	struct networks deny;
	struct networks allow;
	uint64_t names_ns;
	uint64_t names_failed_ns;
};

/* config may be NULL. A negative return: what is wrong has been logged. */
int settings_init(struct troupe_self *self, struct settings *settings,
		  const struct http_client_config *config);
void settings_fini(struct settings *settings);

/* Whether the host is reached without the proxy. */
bool settings_are_direct(const struct settings *settings, const char *host);

/* Whether the address may be connected to. */
bool settings_permit(const struct settings *settings, const struct sockaddr *address);

/* Let what timeouts says replace what limits holds. -EINVAL: *ret_field is out of range. NULL:
 * nothing to replace. */
int limits_set(struct limits *limits, const struct http_client_timeouts *timeouts,
	       const char **ret_field);

#endif
