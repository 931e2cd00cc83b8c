/* settings.c - what a server's [Config] section says. */
#include "settings.h"

#include "hosts.h"
#include "websocket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_MAX     (1 << 20)
#define METHODS_MAX 1000
#define HOSTS_MAX   1000
#define LETTERS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS      "0123456789"
#define TIME_MAX_MS (24 * 3600 * 1000ll)

/* A number and its bounds; said in the log when it is out of them. */
static bool take(struct troupe_self *self, const char *key, const int64_t *given,
		 int64_t absent, int64_t least, int64_t most, int64_t *ret_value)
{
	int64_t value = given ? *given : absent;

	if (value < least || value > most) {
		troupe_log(self, 3, "%s= must be from %lld to %lld", key, (long long)least,
			   (long long)most);
		return false;
	}
	*ret_value = value;
	return true;
}

static bool take_time(struct troupe_self *self, const char *key, const int64_t *given,
		      int64_t absent, uint64_t *ret_ns)
{
	int64_t ms;

	if (!take(self, key, given, absent, 10, TIME_MAX_MS, &ms))
		return false;
	*ret_ns = (uint64_t)ms * TROUPE_MS_NS;
	return true;
}

static bool take_numbers(struct settings *settings, struct troupe_self *self,
			 const struct httpserver_config *config)
{
	int64_t header, body, buffer, all, each, calls, streams;

	if (!take(self, "HeaderMax", config->headerMax, 16 << 10, 2 << 10, 1 << 20, &header) ||
	    !take(self, "BodyMax", config->bodyMax, 1 << 20, 0, TROUPE_MESSAGE_MAX, &body) ||
	    !take(self, "StreamBuffer", config->streamBuffer, 2 << 20, 4 << 10,
		  TROUPE_MESSAGE_MAX, &buffer) ||
	    !take(self, "Connections", config->connections, 10000, 1, 1000000, &all) ||
	    !take(self, "ConnectionsPerAddress", config->connectionsPerAddress, 1000, 1,
		  1000000, &each) ||
	    !take(self, "Calls", config->calls, 4096, 1, 1000000, &calls) ||
	    !take(self, "Streams", config->streams, 1000, 0, 1000000, &streams))
		return false;
	settings->header_max = (size_t)header;
	settings->body_max = (size_t)body;
	settings->stream_buffer = (size_t)buffer;
	settings->connections = (unsigned)all;
	settings->connections_per_address = (unsigned)each;
	settings->calls = (unsigned)calls;
	settings->streams = (unsigned)streams;
	return take_time(self, "HeaderTimeoutMs", config->headerTimeoutMs, 10000,
			 &settings->header_ns) &&
	       take_time(self, "BodyTimeoutMs", config->bodyTimeoutMs, 60000,
			 &settings->body_ns) &&
	       take_time(self, "IdleTimeoutMs", config->idleTimeoutMs, 60000,
			 &settings->idle_ns) &&
	       take_time(self, "CallTimeoutMs", config->callTimeoutMs, 45000,
			 &settings->call_ns) &&
	       take_time(self, "ReaderTimeoutMs", config->readerTimeoutMs, 30000,
			 &settings->reader_ns) &&
	       take_time(self, "HeartbeatMs", config->heartbeatMs, 15000,
			 &settings->heartbeat_ns);
}

/* A qualified name of a method, or of an interface and ".*". */
static bool is_method(const char *text)
{
	const char *last = strrchr(text, '.');

	return last && last != text && memchr(text, '.', (size_t)(last - text)) &&
	       strlen(text) < 256 && (strcmp(last, ".*") == 0 || !strchr(text, '*')) &&
	       last[1] && !text[strspn(text, LETTERS DIGITS ".-*")];
}

static int copy_texts(const struct httpserver_string_array *from, size_t most, char ***ret_to,
		      size_t *ret_count)
{
	if (!from)
		return 0;
	if (from->count > most)
		return -E2BIG;
	*ret_to = calloc(from->count + 1, sizeof(**ret_to));
	if (!*ret_to)
		return -ENOMEM;
	for (size_t i = 0; i < from->count; i++, (*ret_count)++)
		if (!((*ret_to)[i] = strdup(from->items[i])))
			return -ENOMEM;
	return 0;
}

static int read_pem(struct troupe_self *self, const char *path, char **ret_text)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size > PEM_MAX))
		r = -EINVAL;
	char *text = r == 0 ? calloc(1, (size_t)st.st_size + 1) : NULL;
	if (r == 0 && !text)
		r = -ENOMEM;
	if (r == 0 && pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		r = -EIO;
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		free(text);
		troupe_log(self, 3, "%s: %s", path, strerror(-r));
		return r;
	}
	*ret_text = text;
	return 0;
}

static int read_tls(struct settings *settings, struct troupe_self *self,
		    const struct httpserver_config *config)
{
	bool wanted = false;

	for (size_t i = 0; i < settings->n_places; i++)
		wanted |= strncmp(settings->places[i], "tls:", 4) == 0;
	if (!config->certificate != !config->key || (wanted && !config->key)) {
		troupe_log(self, 3, "Certificate= and Key= belong together, and to \"tls:\"");
		return -EINVAL;
	}
	if (!config->certificate)
		return 0;
	int r = read_pem(self, config->certificate, &settings->certificate);
	return r < 0 ? r : read_pem(self, config->key, &settings->key);
}

int settings_init(struct settings *settings, struct troupe_self *self,
		  const struct httpserver_config *config)
{
	*settings = (struct settings){.root = -1,
				      .access_log = config->accessLog && *config->accessLog};
	if (!take_numbers(settings, self, config))
		return -EINVAL;
	if (config->listen.count == 0 || config->listen.count > LISTENERS_MAX) {
		troupe_log(self, 3, "Listen= must name 1 to %d places", LISTENERS_MAX);
		return -EINVAL;
	}
	int r = copy_texts(&config->listen, LISTENERS_MAX, &settings->places,
			   &settings->n_places);
	if (r == 0)
		r = copy_texts(config->httpMethods, METHODS_MAX, &settings->methods,
			       &settings->n_methods);
	if (r == 0)
		r = copy_texts(config->hosts, HOSTS_MAX, &settings->hosts, &settings->n_hosts);
	if (r < 0)
		return r;
	for (size_t i = 0; i < settings->n_hosts; i++)
		if (!hosts_is_pattern(settings->hosts[i])) {
			troupe_log(
				self, 3,
				"Hosts=: \"%s\" is none of NAME, *.NAME and *, without a port",
				settings->hosts[i]);
			return -EINVAL;
		}
	for (size_t i = 0; i < settings->n_methods; i++)
		if (!is_method(settings->methods[i])) {
			troupe_log(self, 3, "HttpMethods=: \"%s\" names no method",
				   settings->methods[i]);
			return -EINVAL;
		}
	settings->index = strdup(config->index ? config->index : "index.html");
	if (!settings->index)
		return -ENOMEM;
	if (config->webSocket) {
		if (config->webSocket[0] != '/' || !websocket_is_built()) {
			troupe_log(self, 3, "WebSocket=: %s",
				   websocket_is_built() ? "no path, such as /websocket"
							: "built without wslay");
			return -EINVAL;
		}
		settings->websocket = strdup(config->webSocket);
		if (!settings->websocket)
			return -ENOMEM;
	}
	if (config->root) {
		settings->root = open(config->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (settings->root < 0) {
			r = -errno;
			troupe_log(self, 3, "Root=%s: %s", config->root, strerror(-r));
			return r;
		}
	}
	return read_tls(settings, self, config);
}

void settings_fini(struct settings *settings)
{
	for (size_t i = 0; i < settings->n_places; i++)
		free(settings->places[i]);
	for (size_t i = 0; i < settings->n_methods; i++)
		free(settings->methods[i]);
	for (size_t i = 0; i < settings->n_hosts; i++)
		free(settings->hosts[i]);
	free(settings->places);
	free(settings->methods);
	free(settings->hosts);
	free(settings->index);
	free(settings->websocket);
	free(settings->certificate);
	if (settings->key)
		explicit_bzero(settings->key, strlen(settings->key));
	free(settings->key);
	if (settings->root >= 0)
		close(settings->root);
}

bool settings_allow(const struct settings *settings, const char *method)
{
	const char *last = strrchr(method, '.');

	if (!last || strlen(method) > 255 || !last[1] ||
	    last[1 + strspn(last + 1, LETTERS DIGITS)])
		return false;
	for (size_t i = 0; i < settings->n_methods; i++) {
		const char *listed = settings->methods[i];
		size_t size = strlen(listed);

		if (listed[size - 1] == '*' ? (size_t)(last - method) + 2 == size &&
						      memcmp(listed, method, size - 1) == 0
					    : strcmp(listed, method) == 0)
			return true;
	}
	return false;
}
