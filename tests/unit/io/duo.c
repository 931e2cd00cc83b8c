#include "duo.h"

static const char *path(const struct duo *duo, const char *name, const char *end)
{
	static char paths[8][128];
	static unsigned next;
	char *text = paths[next++ % 8];

	snprintf(text, sizeof(paths[0]), "%s/%s.%s", duo->directory, name, end);
	return text;
}

int duo_load(struct troupe_self *self, const struct duo *duo, bool is_server,
	     struct troupe_tls *ret_tls)
{
	const char *certificate = is_server ? duo->certificate : duo->client_certificate;
	const bool asks = is_server && duo->client_certificate;
	struct troupe_tls_options options = {
		.table_size = sizeof(options),
		.ca_file = !is_server || asks ? path(duo, duo->authority, "pem") : NULL,
		.certificate =
			certificate && *certificate ? path(duo, certificate, "pem") : NULL,
		.key = certificate && *certificate ? path(duo, certificate, "key") : NULL,
		.alpn = is_server ? duo->takes : duo->offers,
		.handshake_ns = duo->handshake_ns,
	};

	return troupe_tls_load(self, &options, ret_tls);
}

int duo_starts(struct troupe_self *self, struct harbour *harbour)
{
	struct duo *duo = duo_of(harbour);
	struct troupe_tls tls = {0};
	int rc = duo_load(self, duo, false, &tls);

	if (rc == 0)
		rc = troupe_tls_start(self, harbour->stream, tls, duo->name);
	troupe_tls_drop(self, tls); /* the session keeps it */
	note(self, "client %d; ", rc);
	return rc == 0 && duo->client_does ? duo->client_does(self, harbour) : 0;
}

int duo_accepts(struct troupe_self *self, struct harbour *harbour)
{
	struct duo *duo = duo_of(harbour);
	struct troupe_tls tls;
	int rc = troupe_adopt(self, duo->own, &duo->server);

	if (rc == 0)
		rc = duo_load(self, duo, true, &tls);
	if (rc == 0)
		rc = troupe_tls_accept(self, duo->server, tls);
	note(self, "server %d; ", rc);
	return rc == 0 && duo->server_does ? duo->server_does(self, harbour) : 0;
}

int duo_make_certificates(void **state)
{
	static char directory[] = "/tmp/troupe-tls-XXXXXX";
	char command[128];

	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof(command), "tests/unit/io/certificates.sh %s > %s/log 2>&1",
		 directory, directory);
	assert_int_equal(system(command), 0);
	*state = directory;
	return 0;
}

int duo_remove_certificates(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", (const char *)*state);
	return system(command);
}

struct duo duo_sound(void **state)
{
	return (struct duo){.directory = *state,
			    .certificate = "good",
			    .authority = "ca",
			    .name = "example.test"};
}

bool duo_carry(int from, int to, size_t piece, size_t *count)
{
	char bytes[65536];
	ssize_t n;

	if (piece == 0 || piece > sizeof(bytes))
		piece = sizeof(bytes);
	if (from < 0 || to < 0)
		return false;
	n = recv(from, bytes, piece, MSG_DONTWAIT);
	if (n <= 0)
		return false;
	*count += (size_t)n;
	for (ssize_t done = 0; done < n;) {
		ssize_t taken = send(to, bytes + done, (size_t)(n - done), MSG_NOSIGNAL);

		if (taken < 0)
			return errno != EAGAIN;
		done += taken;
	}
	return true;
}

bool duo_carry_both(struct duo *duo)
{
	bool has_any = duo_carry(duo->harbour.there, duo->there, duo->piece, &duo->to_server);

	has_any |= duo_carry(duo->there, duo->harbour.there, duo->piece, &duo->to_client);
	return has_any;
}

void duo_run(struct duo *duo)
{
	world_sleep(&duo->harbour.world, 0);
}

void duo_run_all(struct duo *duo)
{
	do
		duo_run(duo);
	while (duo_carry_both(duo));
}

void duo_begin(struct duo *duo)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	duo->own = ends[0];
	duo->there = ends[1];
	harbour_play(&duo->harbour, duo_starts, duo_accepts);
}

void duo_finish(struct duo *duo)
{
	harbour_finish(&duo->harbour);
	if (duo->there >= 0)
		close(duo->there);
}

void duo_play(struct duo *duo)
{
	duo_begin(duo);
	duo_run_all(duo);
}

int duo_asks(struct troupe_self *self, struct harbour *harbour)
{
	const char *text;
	ssize_t n;

	assert_int_equal(troupe_write(self, harbour->stream, "question\n", 9), 0);
	n = troupe_read_until(self, harbour->stream, "\n", 64, &text);
	if (n < 0)
		return (int)n;
	note(self, "[%.*s]", (int)n - 1, text);
	note(self, "%zd; ", troupe_read(self, harbour->stream, &n, sizeof(n)));
	note(self, "%zd; ", troupe_read(self, harbour->stream, &n, sizeof(n)));
	return 0;
}

int duo_answers(struct troupe_self *self, struct harbour *harbour)
{
	const struct duo *duo = duo_of(harbour);
	const char *text;
	ssize_t n;

	n = troupe_read_until(self, duo->server, "\n", 64, &text);
	note(self, "[%.*s]", (int)n - 1, text);
	assert_int_equal(troupe_write(self, duo->server, "answer\n", 7), 0);
	assert_int_equal(troupe_finish(self, duo->server), 0);
	assert_int_equal(troupe_finish(self, duo->server), 0);
	assert_int_equal(troupe_write(self, duo->server, "more", 4), -EPIPE);
	return 0;
}

int duo_reads_on(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[64];
	ssize_t n;

	while ((n = troupe_read(self, harbour->stream, bytes, sizeof(bytes))) > 0)
		note(self, "[%.*s]", (int)n, bytes);
	note(self, "%zd; ", n);
	note(self, "%zd; ", troupe_read(self, harbour->stream, bytes, sizeof(bytes)));
	return 0;
}

void duo_is_gone(struct duo *duo)
{
	close(duo->harbour.there);
	duo->harbour.there = -1;
	duo_run(duo);
}

char *duo_pattern(void)
{
	char *bytes = malloc(DUO_PLENTY);

	assert_non_null(bytes);
	for (uint32_t i = 0; i < DUO_PLENTY; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	return bytes;
}
