/* settings.h - what a server's [Config] section says, checked, with defaults for the rest. What
 * is here is the server's own: strings and files were copied. */
#ifndef HTTPSERVER_SETTINGS_H
#define HTTPSERVER_SETTINGS_H

#include "httpserver.varlink.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTENERS_MAX 16
#define PLACE_MAX     128

struct settings {
	char **places;
	size_t n_places;
	char **methods; /* "io.example.Hello.Greet", "io.example.Hello.*" */
	size_t n_methods;
	char **hosts; /* "example.org", "*.example.org", "*" */
	size_t n_hosts;
	char *index;
	char *websocket;         /* its path; NULL: none */
	char *certificate, *key; /* the files' texts; NULL: none */
	int root;                /* of the directory, or -1 */
	size_t header_max, body_max, stream_buffer;
	unsigned connections, connections_per_address, calls, streams;
	uint64_t header_ns, body_ns, idle_ns, call_ns, reader_ns, heartbeat_ns;
	bool access_log;
};

/* Read it. Returns 0, or after a line in the log a negative errno value; then, too, settings is
 * for settings_fini(). */
int settings_init(struct settings *settings, struct troupe_self *self,
		  const struct httpserver_config *config);
void settings_fini(struct settings *settings);

/* Whether a method's qualified name, or some method of that name, may be called. */
bool settings_allow(const struct settings *settings, const char *method);

#endif
