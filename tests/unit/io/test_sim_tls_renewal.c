/* Keys of TLS 1.3 that the other side renews: whenever it likes, and not as often. */
#include "core/pause.h"
#include "duo.h"
#include "io/stream.h"
#include "io/tls.h"
#include <dlfcn.h>

struct renewal {
	int (*update)(gnutls_session_t session, unsigned flags);
	gnutls_session_t session;
	unsigned times;
	unsigned flags[2]; /* by turns */
};

static void run_renewal(void *context)
{
	const struct renewal *renewal = context;

	for (unsigned i = 0; i < renewal->times; i++)
		assert_int_equal(renewal->update(renewal->session, renewal->flags[i % 2]), 0);
}

/* The SDK has no such thing: the library itself. */
static void renew(struct troupe_self *self, struct troupe_stream stream, unsigned times,
		  bool wants_theirs)
{
	void *library = dlopen("libgnutls.so.30", RTLD_NOW | RTLD_NOLOAD);
	struct renewal renewal = {.session = stream_find(self, stream.id)->tls->session,
				  .times = times,
				  .flags = {0, wants_theirs ? GNUTLS_KU_PEER : 0}};

	assert_non_null(library);
	*(void **)&renewal.update = dlsym(library, "gnutls_session_key_update");
	assert_non_null(renewal.update);
	pause_outside(self, run_renewal, &renewal);
	dlclose(library);
}

static int echoes(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;
	char bytes[64];
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = troupe_read(self, to, bytes, sizeof(bytes))) > 0)
		rc = troupe_write(self, to, bytes, (size_t)n);
	note(self, "server ends %d; ", rc < 0 ? rc : (int)n);
	troupe_close(self, to);
	return 0;
}

static int renews_between_words(struct troupe_self *self, struct harbour *harbour)
{
	char back[6];

	for (unsigned i = 0; i < 3; i++) {
		renew(self, harbour->stream, 1, false);
		assert_int_equal(troupe_write(self, harbour->stream, "abc", 3), 0);
		renew(self, harbour->stream, 1, false);
		assert_int_equal(troupe_write(self, harbour->stream, "def", 3), 0);
		for (size_t got = 0; got < sizeof(back);) {
			ssize_t n = troupe_read(self, harbour->stream, back + got,
						sizeof(back) - got);

			assert_true(n > 0);
			got += (size_t)n;
		}
		assert_memory_equal(back, "abcdef", 6);
	}
	assert_int_equal(troupe_finish(self, harbour->stream), 0);
	return duo_reads_on(self, harbour);
}

static int renews_both_sides(struct troupe_self *self, struct harbour *harbour)
{
	char back[3];

	for (unsigned i = 0; i < 3; i++) {
		renew(self, harbour->stream, 2, true);
		assert_int_equal(troupe_write(self, harbour->stream, "abc", 3), 0);
		for (size_t got = 0; got < sizeof(back);) {
			ssize_t n = troupe_read(self, harbour->stream, back + got,
						sizeof(back) - got);

			assert_true(n > 0);
			got += (size_t)n;
		}
		assert_memory_equal(back, "abc", 3);
	}
	assert_int_equal(troupe_finish(self, harbour->stream), 0);
	return duo_reads_on(self, harbour);
}

static void keys_are_renewed_between_words(void **state)
{
	script *const how[] = {renews_between_words, renews_both_sides};

	for (unsigned i = 0; i < 2; i++) {
		for (size_t piece = 0; piece < 100; piece = piece * 3 + 1) {
			struct duo duo = duo_sound(state);

			duo.piece = piece;
			duo.client_does = how[i];
			duo.server_does = echoes;
			duo_play(&duo);
			assert_said(&duo, "client 0; server 0; server ends 0; 0; 0; ");
			duo_finish(&duo);
		}
	}
}

static int renews_without_end(struct troupe_self *self, struct harbour *harbour)
{
	renew(self, harbour->stream, 1000, true);
	assert_int_equal(troupe_write(self, harbour->stream, "late", 4), 0);
	return duo_reads_on(self, harbour);
}

/* GnuTLS takes eight in a second of real time; none of it waits in memory. */
static void whoever_renews_without_end_is_refused(void **state)
{
	struct duo duo = duo_sound(state);

	duo.client_does = renews_without_end;
	duo.server_does = echoes;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; server ends %d; %d; %d; ", -EPROTO, -EPROTO,
		    -EPROTO);
	duo_finish(&duo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_renewed_between_words),
		cmocka_unit_test(whoever_renews_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, duo_make_certificates, duo_remove_certificates);
}
