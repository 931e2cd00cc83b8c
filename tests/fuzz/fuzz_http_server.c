/* fuzz_http_server.c - what comes over a connection to actors/http-server, in pieces: requests
 * for files, calls, streams of events, WebSockets, and whatever is none of these.
 *
 * The first two bytes say how the others are cut and how the connection ends. Whatever they
 * are: what lies outside of Root=, or has a name with a dot, is never sent; and in the end no
 * connection, call or stream is left.
 */
#include "base/check.h"
#include "tests/unit/actors/plugin_stage.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET      "the secret that nobody may see"
#define REQUEST_MAX 6000
#define HEARD       (1u << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
TROUPE_ACTOR_DECLARE(httpserver);

static char directory[64];

static const struct {
	const char *path, *text, *target;
} files[] = {
	{"secret", SECRET, NULL},
	{"root/index.html", "<p>index</p>", NULL},
	{"root/a", "0123456789abcdef", NULL},
	{"root/.a", SECRET, NULL},
	{"root/sub/b.css", "b {}", NULL},
	{"root/sub/.git/c", SECRET, NULL},
	{"root/out", NULL, "../secret"},
	{"root/up", NULL, ".."},
	{"root/in", NULL, "sub"},
	{"rootless", SECRET, NULL},
};

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void remove_files(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	if (system(command) != 0)
		perror(command);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	strcpy(directory, "/tmp/troupe-fuzz-http-XXXXXX");
	check(mkdtemp(directory));
	check(mkdir(path_of("root"), 0700) == 0 && mkdir(path_of("root/sub"), 0700) == 0 &&
	      mkdir(path_of("root/sub/.git"), 0700) == 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i].text)
			write_file(path_of(files[i].path), files[i].text);
		else
			check(symlink(files[i].target, path_of(files[i].path)) == 0);
	atexit(remove_files);
	return 0;
}

/* A provider that answers in every way. */
static int answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	int rc = 0;

	(void)me;
	if (n == 3)
		return troupe_fail(self, call, &bad_error, &(struct text){"b\"\n"});
	if (n == 4) /* it has no end but the caller's time */
		return troupe_call_keep(self, &call);
	for (int64_t i = 0; i < (n & 15) && rc == 0 && troupe_call_wants_more(self, call); i++)
		rc = troupe_reply(self, call, &num_method, &(struct num){i});
	return troupe_return(self, call, &num_method, &(struct num){n});
}

struct client {
	int fd;
	char heard[HEARD];
	size_t size;
};

static void hear(struct client *client)
{
	ssize_t n;

	while ((n = recv(client->fd, client->heard + client->size, HEARD - client->size, 0)) >
	       0) {
		client->size += (size_t)n;
		check(!memmem(client->heard, client->size, SECRET, strlen(SECRET)));
		if (client->size > HEARD / 2) {
			/* what may be the beginning of it stays */
			memmove(client->heard, client->heard + client->size - 64, 64);
			client->size = 64;
		}
	}
	check(n == 0 || errno == EAGAIN || errno == ECONNRESET);
}

static void say(struct plugin_stage *stage, struct client *client, const uint8_t *data,
		size_t size, unsigned cut)
{
	const size_t piece = cut & 7 ? (size_t)1 << (cut & 7) : size;
	unsigned refusals = 0;

	for (size_t done = 0; done < size;) {
		const size_t left = size - done, n = left < piece ? left : piece;
		ssize_t sent = send(client->fd, data + done, n, MSG_NOSIGNAL);

		if (sent < 0 && (errno != EAGAIN || ++refusals > 10))
			break; /* it was told to go */
		done += sent > 0 ? (size_t)sent : 0;
		plugin_stage_run(stage, 0);
		hear(client);
		if (cut & 8)
			plugin_stage_run(stage, TROUPE_SECOND_NS / 8);
	}
}

/* Over TCP it looks at who is asked for. */
static int connect_by_tcp(struct plugin_stage *stage)
{
	static const char words[] = "\"tcp:127.0.0.1:";
	const char *port =
		strstr(plugin_stage_ask(stage, "io.troupe.httpserver", "Status"), words);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct linger linger = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && port);
	address.sin_port = htons((uint16_t)atoi(port + strlen(words)));
	check(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	/* so that none of thousands stays behind */
	check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	return fd;
}

static void assert_quiet(struct plugin_stage *stage)
{
	const char *status = plugin_stage_ask(stage, "io.troupe.httpserver", "Status");

	check(strstr(status, "\"connections\":0,\"calls\":0,\"streams\":0,"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plugin_stage stage;
	static struct client client;
	char config[500];

	/* What it says itself it may hear. */
	if (size < 2 || size > REQUEST_MAX || memmem(data, size, SECRET, strlen(SECRET)))
		return 0;
	snprintf(
		config, sizeof(config),
		"{\"listen\":[\"unix:%s/"
		"s\",\"tcp:127.0.0.1:0\"],\"hosts\":[\"*.example.org\"],\"httpMethods\":["
		"\"test.puppet.*\","
		"\"test.several.None\",\"test.absent.None\"],\"root\":\"%s/root\","
		"\"webSocket\":\"/ws\",\"bodyMax\":1000,\"headerMax\":2048,\"accessLog\":true}",
		directory, directory);
	plugin_stage_begin(&stage, TROUPE_ACTOR_TABLE(httpserver), config);
	stage.world.hooks.num = answers;
	client.fd = data[1] & 2 ? connect_by_tcp(&stage) : plugin_stage_connect(path_of("s"));
	client.size = 0;
	plugin_stage_run(&stage, 0);
	say(&stage, &client, data + 2, size - 2, data[0]);
	if (data[1] & 1)
		check(shutdown(client.fd, SHUT_WR) == 0 || errno == ENOTCONN);
	plugin_stage_run(&stage, (data[1] >> 2) * TROUPE_SECOND_NS);
	hear(&client);
	close(client.fd);
	plugin_stage_run(&stage, 200 * TROUPE_SECOND_NS);
	assert_quiet(&stage);
	plugin_stage_end(&stage);
	return 0;
}
