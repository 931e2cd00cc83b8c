/* settings.c - see settings.h. */
#include "settings.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOUR_MS 3600000

/* An int of [Config], within its bounds. */
struct bounded {
	const char *name;
	const int64_t *given;
	int64_t least, most, otherwise;
};

static int take(struct troupe_self *self, const struct bounded *bounded, int64_t *ret_value)
{
	int64_t value = bounded->given ? *bounded->given : bounded->otherwise;

	if (value < bounded->least || value > bounded->most) {
		troupe_log(self, 3, "%s must be from %lld to %lld", bounded->name,
			   (long long)bounded->least, (long long)bounded->most);
		return -EINVAL;
	}
	*ret_value = value;
	return 0;
}

int limits_set(struct limits *limits, const struct http_client_timeouts *timeouts,
	       const char **ret_field)
{
	if (!timeouts)
		return 0;
	const struct {
		const char *name;
		enum http_client_phase phase;
		const int64_t *given;
	} fields[] = {
		{"timeouts.resolveMs", HTTP_CLIENT_PHASE_RESOLVE, timeouts->resolveMs},
		{"timeouts.connectMs", HTTP_CLIENT_PHASE_CONNECT, timeouts->connectMs},
		{"timeouts.tlsMs", HTTP_CLIENT_PHASE_TLS, timeouts->tlsMs},
		{"timeouts.firstByteMs", HTTP_CLIENT_PHASE_FIRST_BYTE, timeouts->firstByteMs},
		{"timeouts.idleMs", HTTP_CLIENT_PHASE_IDLE, timeouts->idleMs},
		{"timeouts.totalMs", HTTP_CLIENT_PHASE_TOTAL, timeouts->totalMs},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!fields[i].given)
			continue;
		if (*fields[i].given < 1 || *fields[i].given > HOUR_MS) {
			*ret_field = fields[i].name;
			return -EINVAL;
		}
		limits->ns[fields[i].phase] = (uint64_t)*fields[i].given * TROUPE_MS_NS;
	}
	return 0;
}

static int read_numbers(struct troupe_self *self, struct settings *settings,
			const struct http_client_config *config)
{
	const struct bounded numbers[] = {
		{"connections", config->connections, 1, 10000, 256},
		{"connectionsPerHost", config->connectionsPerHost, 1, 10000, 32},
		{"waiting", config->waiting, 0, 100000, 4096},
		{"memory", config->memory, 1 << 10, 1ll << 40, 64 << 20},
		{"bodyMax", config->bodyMax, 1, 8 << 20, 1 << 20},
		{"redirects", config->redirects, 0, 50, 10},
		{"retries", config->retries, 0, 10, 2},
		{"retryDelayMs", config->retryDelayMs, 1, 60000, 100},
		{"retryDelayMaxMs", config->retryDelayMaxMs, 0, HOUR_MS, 5000},
		{"namesMs", config->namesMs, 0, HOUR_MS, 30000},
		{"namesFailedMs", config->namesFailedMs, 0, HOUR_MS, 5000},
	};
	int64_t values[sizeof(numbers) / sizeof(numbers[0])];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int r = take(self, &numbers[i], &values[i]);

		if (r < 0)
			return r;
	}
	settings->connections = (unsigned)values[0];
	settings->connections_per_host = (unsigned)values[1];
	settings->waiting = (unsigned)values[2];
	settings->memory = (uint64_t)values[3];
	settings->body_max = (uint64_t)values[4];
	settings->redirects = (unsigned)values[5];
	settings->retries = (unsigned)values[6];
	settings->retry_delay_ns = (uint64_t)values[7] * TROUPE_MS_NS;
	settings->retry_delay_max_ns = (uint64_t)values[8] * TROUPE_MS_NS;
	settings->names_ns = (uint64_t)values[9] * TROUPE_MS_NS;
	settings->names_failed_ns = (uint64_t)values[10] * TROUPE_MS_NS;
	return 0;
}

static int read_networks(struct troupe_self *self, const char *name, struct networks *networks,
			 const struct http_client_string_array *words)
{
	const char *word = "";

	if (!words)
		return 0;
	int r = networks_init(networks, words->items, words->count, &word);
	if (r == -EINVAL)
		troupe_log(self, 3, "%s: '%s' is neither a network nor \"private\"", name,
			   word);
	if (r == -E2BIG)
		troupe_log(self, 3, "%s: more than %d networks", name, NETWORKS_MAX);
	return r;
}

static int read_proxy(struct troupe_self *self, struct settings *settings,
		      const struct http_client_config *config)
{
	static const char *const schemes[] = {"http://", "https://", "socks5h://"};
	bool is_known = false;

	if (config->noProxy) {
		settings->no_proxy =
			calloc(config->noProxy->count, sizeof(*settings->no_proxy));
		if (!settings->no_proxy && config->noProxy->count)
			return -ENOMEM;
		for (size_t i = 0; i < config->noProxy->count; i++) {
			const char *name = config->noProxy->items[i];

			settings->no_proxy[i] = strdup(name + (name[0] == '.'));
			if (!settings->no_proxy[i])
				return -ENOMEM;
			settings->n_no_proxy++;
		}
	}
	if (!config->proxy || !config->proxy[0])
		return 0;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		is_known |= strncmp(config->proxy, schemes[i], strlen(schemes[i])) == 0;
	if (!is_known) {
		troupe_log(self, 3, "proxy must begin with http://, https:// or socks5h://");
		return -EINVAL;
	}
	settings->proxy = strdup(config->proxy);
	return settings->proxy ? 0 : -ENOMEM;
}

static int read_texts(struct troupe_self *self, struct settings *settings,
		      const struct http_client_config *config)
{
	if (config->userAgent && strpbrk(config->userAgent, "\r\n")) {
		troupe_log(self, 3, "userAgent must be one line");
		return -EINVAL;
	}
	if (config->userAgent)
		settings->user_agent = strdup(config->userAgent);
	else if (asprintf(&settings->user_agent, "Troupe/%s", LIBCURL_VERSION) < 0)
		settings->user_agent = NULL;
	if (!settings->user_agent)
		return -ENOMEM;
	if (!config->caFile)
		return 0;
	if (config->caFile[0] != '/') {
		troupe_log(self, 3, "caFile must be an absolute path");
		return -EINVAL;
	}
	settings->ca_file = strdup(config->caFile);
	return settings->ca_file ? 0 : -ENOMEM;
}

static int read_all(struct troupe_self *self, struct settings *settings,
		    const struct http_client_config *config)
{
	const char *field;

	int r = read_numbers(self, settings, config);
	if (r < 0)
		return r;
	r = limits_set(&settings->limits, config->timeouts, &field);
	if (r < 0) {
		troupe_log(self, 3, "%s must be from 1 to %d", field, HOUR_MS);
		return r;
	}
	settings->http2 = !config->http2 || *config->http2;
	settings->compressed = !config->compressed || *config->compressed;
	r = read_texts(self, settings, config);
	if (r == 0)
		r = read_proxy(self, settings, config);
	if (r == 0)
		r = read_networks(self, "deny", &settings->deny, config->deny);
	if (r == 0)
		r = read_networks(self, "allow", &settings->allow, config->allow);
	return r;
}

int settings_init(struct troupe_self *self, struct settings *settings,
		  const struct http_client_config *config)
{
	static const struct http_client_config none;

	uint64_t *ns = settings->limits.ns;

	*settings = (struct settings){0};
	ns[HTTP_CLIENT_PHASE_QUEUE] = UINT64_MAX;
	ns[HTTP_CLIENT_PHASE_RESOLVE] = 10 * TROUPE_SECOND_NS;
	ns[HTTP_CLIENT_PHASE_CONNECT] = 10 * TROUPE_SECOND_NS;
	ns[HTTP_CLIENT_PHASE_TLS] = 10 * TROUPE_SECOND_NS;
	ns[HTTP_CLIENT_PHASE_FIRST_BYTE] = 30 * TROUPE_SECOND_NS;
	ns[HTTP_CLIENT_PHASE_IDLE] = 30 * TROUPE_SECOND_NS;
	ns[HTTP_CLIENT_PHASE_TOTAL] = 0; /* as the method has it */
	int r = read_all(self, settings, config ? config : &none);
	if (r < 0)
		settings_fini(settings);
	return r;
}

void settings_fini(struct settings *settings)
{
	free(settings->user_agent);
	free(settings->ca_file);
	free(settings->proxy);
	for (size_t i = 0; i < settings->n_no_proxy; i++)
		free(settings->no_proxy[i]);
	free(settings->no_proxy);
	networks_fini(&settings->deny);
	networks_fini(&settings->allow);
	*settings = (struct settings){0};
}

bool settings_are_direct(const struct settings *settings, const char *host)
{
	size_t length = strlen(host);

	if (!settings->proxy)
		return true;
	for (size_t i = 0; i < settings->n_no_proxy; i++) {
		const char *name = settings->no_proxy[i];
		size_t size = strlen(name);

		if (size <= length && strcasecmp(host + length - size, name) == 0 &&
		    (size == length || host[length - size - 1] == '.'))
			return true;
	}
	return false;
}

bool settings_permit(const struct settings *settings, const struct sockaddr *address)
{
	return !networks_hold(&settings->deny, address) ||
	       networks_hold(&settings->allow, address);
}
