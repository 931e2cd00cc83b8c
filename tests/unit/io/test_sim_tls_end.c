/* The ends of a stream over TLS: said in order, found no room for, cut off, or changed on the
 * way. */
#include "descriptors.h"
#include "duo.h"
#include "io/stream.h"
#include "io/tls.h"

static int says_hello(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_write(self, duo_of(harbour)->server, "hello", 5);
}

/* The other side's end and its last record never come. */
static void end_without_a_word_is_told_from_an_end(void **state)
{
	struct duo duo = duo_sound(state);

	duo.client_does = duo_reads_on;
	duo.server_does = says_hello;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; [hello]");
	shutdown(duo.harbour.there, SHUT_WR);
	duo_run_all(&duo);
	assert_said(&duo, "%d; %d; ", -ECONNRESET, -ECONNRESET);
	duo_finish(&duo);
}

static void record_that_was_changed_is_refused(void **state)
{
	struct duo duo = duo_sound(state);
	unsigned char bytes[4096];
	ssize_t n;

	duo.client_does = duo_reads_on;
	duo_begin(&duo);
	duo_run_all(&duo);
	assert_said(&duo, "client 0; server 0; ");
	duo.harbour.handler = says_hello;
	harbour_start(&duo.harbour, says_hello);
	n = recv(duo.there, bytes, sizeof(bytes), MSG_DONTWAIT);
	assert_true(n > 10);
	bytes[n - 1] ^= 1;
	assert_int_equal(write(duo.harbour.there, bytes, (size_t)n), n);
	duo_run_all(&duo);
	assert_said(&duo, "%d; %d; ", -EPROTO, -EPROTO);
	duo_finish(&duo);
}

/* Fill what the kernel holds, so that there is no room for the end. */
static int fills_up_and_closes(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;
	const struct stream *stream = stream_find(self, to.id);

	while (tls_write(self->runtime, stream->tls, "x", 1) > 0)
		duo_of(harbour)->filled++;
	note(self, "full; ");
	for (unsigned i = 0; i < duo_of(harbour)->finishes; i++)
		note(self, "finished %d; ", troupe_finish(self, to));
	troupe_close(self, to);
	return 0;
}

static int reads_on_quietly(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[4096];
	ssize_t n;

	while ((n = troupe_read(self, harbour->stream, bytes, sizeof(bytes))) > 0)
		;
	note(self, "then %zd; ", n);
	return 0;
}

static int counts(struct troupe_self *self, struct harbour *harbour)
{
	char bytes[4096];
	ssize_t n;

	while ((n = troupe_read(self, harbour->stream, bytes, sizeof(bytes))) > 0)
		duo_of(harbour)->filled -= (size_t)n;
	note(self, "%zu missing, then %zd; ", duo_of(harbour)->filled, n);
	return 0;
}

/* A server that does not wait for room says its end all the same, when there is some. */
static void end_that_finds_no_room_is_said_later(void **state)
{
	static const char *const finished[] = {"", "finished 0; ", "finished 0; finished 0; "};

	for (unsigned i = 0; i < 3; i++) {
		const unsigned before = descriptors_count();
		struct duo duo = duo_sound(state);

		duo.finishes = i;
		duo.client_does = counts;
		duo.server_does = fills_up_and_closes;
		duo_play(&duo);
		assert_said(&duo, "client 0; server 0; full; %s0 missing, then 0; ",
			    finished[i]);
		duo_finish(&duo);
		assert_int_equal(descriptors_count(), before);
	}
}

static void end_that_never_finds_room_is_given_up(void **state)
{
	const unsigned before = descriptors_count();
	struct duo duo = duo_sound(state);
	unsigned open;

	duo.client_does = counts;
	duo.server_does = fills_up_and_closes;
	duo_begin(&duo);
	for (duo_run(&duo); duo.filled == 0; duo_run(&duo))
		duo_carry_both(&duo);
	open = descriptors_count();
	world_sleep(&duo.harbour.world, 59 * SECOND);
	assert_int_equal(descriptors_count(), open);
	world_sleep(&duo.harbour.world, 2 * SECOND);
	assert_int_equal(descriptors_count(), open - 1);
	duo_run_all(&duo);
	shutdown(duo.harbour.there, SHUT_WR);
	duo_run(&duo);
	assert_non_null(strstr(world_log(&duo.harbour.world), "missing, then -104"));
	duo_finish(&duo);
	/* of the poller of farewells, too */
	assert_int_equal(descriptors_count(), before);
}

static int is_cut_in_a_write(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream to = duo_of(harbour)->server;
	TROUPE_SCOPE(scope, self, SECOND);
	char *bytes = duo_pattern();
	int rc = troupe_write(self, to, bytes, DUO_PLENTY);

	free(bytes);
	note(self, "cut %d %d; ", rc, troupe_finish(self, to));
	troupe_close(self, to);
	return 0;
}

/* Half of what was to be said is no end. */
static void write_that_was_cut_short_is_followed_by_no_end(void **state)
{
	struct duo duo = duo_sound(state);

	duo.client_does = reads_on_quietly;
	duo.server_does = is_cut_in_a_write;
	duo_begin(&duo);
	while (duo.to_client < 4000) {
		duo_run(&duo);
		duo_carry_both(&duo);
	}
	world_sleep(&duo.harbour.world, 2 * SECOND);
	duo_run_all(&duo);
	shutdown(duo.harbour.there, SHUT_WR);
	duo_run_all(&duo);
	assert_said(&duo, "client 0; server 0; cut %d %d; then %d; ", -ETIMEDOUT, -EPIPE,
		    -ECONNRESET);
	duo_finish(&duo);
}

static int finishes_and_listens(struct troupe_self *self, struct harbour *harbour)
{
	assert_int_equal(troupe_write(self, harbour->stream, "question\n", 9), 0);
	assert_int_equal(troupe_finish(self, harbour->stream), 0);
	return duo_reads_on(self, harbour);
}

static int answers_after_the_end(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_stream client = duo_of(harbour)->server;
	char bytes[16];
	ssize_t n;

	n = troupe_read(self, client, bytes, sizeof(bytes));
	note(self, "[%.*s]", (int)n - 1, bytes);
	note(self, "%zd; ", troupe_read(self, client, bytes, sizeof(bytes)));
	assert_int_equal(troupe_write(self, client, "late", 4), 0);
	troupe_close(self, client);
	return 0;
}

static void finished_stream_is_read_on(void **state)
{
	struct duo duo = duo_sound(state);

	duo.client_does = finishes_and_listens;
	duo.server_does = answers_after_the_end;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; [question]0; [late]0; 0; ");
	duo_finish(&duo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_without_a_word_is_told_from_an_end),
		cmocka_unit_test(record_that_was_changed_is_refused),
		cmocka_unit_test(end_that_finds_no_room_is_said_later),
		cmocka_unit_test(end_that_never_finds_room_is_given_up),
		cmocka_unit_test(write_that_was_cut_short_is_followed_by_no_end),
		cmocka_unit_test(finished_stream_is_read_on),
	};

	return cmocka_run_group_tests(tests, duo_make_certificates, duo_remove_certificates);
}
