/* The agreement on TLS: with those who speak none or say too little, and cut short anywhere. */
#include "descriptors.h"
#include "duo.h"
#include "io/handshake.h"

/* Only the client is there; this program says what the server would. */
static void begin_alone(struct duo *duo)
{
	duo->own = duo->there = -1;
	harbour_play(&duo->harbour, duo_starts);
	duo_run(duo);
	assert_log(&duo->harbour.world, "");
}

static void whoever_speaks_no_tls_is_refused(void **state)
{
	static const char *const says[] = {"220 mail.example.test ESMTP\r\n",
					   "HTTP/1.1 400 Bad Request\r\n\r\n",
					   "\x15\x03\x01\x00\x02\x02\x28"};
	char expected[64];

	snprintf(expected, sizeof(expected), "client %d; ", -EPROTO);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		struct duo duo = duo_sound(state);
		const char *log;

		begin_alone(&duo);
		/* with the zeroes of the last one */
		assert_int_equal(
			write(duo.harbour.there, says[i], i == 2 ? 7 : strlen(says[i])),
			i == 2 ? 7 : strlen(says[i]));
		duo_run(&duo);
		log = world_log(&duo.harbour.world);
		assert_non_null(strstr(log, "no TLS with unix: (example.test): "));
		assert_non_null(strstr(log, expected));
		duo_finish(&duo);
	}
}

static void whoever_hangs_up_instead_is_heard(void **state)
{
	struct duo duo = duo_sound(state);

	begin_alone(&duo);
	shutdown(duo.harbour.there, SHUT_WR);
	duo_run(&duo);
	assert_said(
		&duo,
		"log 4 unit1 no TLS with unix: (example.test): The other side has hung up.; "
		"client %d; ",
		-ECONNRESET);
	duo_finish(&duo);
}

static void whoever_goes_altogether_has_hung_up(void **state)
{
	struct duo duo;
	char expected[64], bytes[4096];

	snprintf(expected, sizeof(expected), "client %d; ", -ECONNRESET);
	for (unsigned i = 0; i < 2; i++) {
		duo = duo_sound(state);
		begin_alone(&duo);
		if (i > 0) /* what was said has been read */
			assert_true(read(duo.harbour.there, bytes, sizeof(bytes)) > 0);
		duo_is_gone(&duo);
		assert_non_null(strstr(world_log(&duo.harbour.world), expected));
		duo_finish(&duo);
	}
	duo = duo_sound(state);
	duo.client_does = duo_reads_on;
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	duo_is_gone(&duo);
	assert_said(&duo, "%d; %d; ", -ECONNRESET, -ECONNRESET);
	duo_finish(&duo);
}

static void agreement_has_its_time_whatever_comes(void **state)
{
	/* the beginning of a long message, then a byte a second */
	static const unsigned char first[] = {0x16, 3, 3, 0x20, 0, 2, 0, 0x1f, 0xfc};

	for (unsigned i = 0; i < 3; i++) {
		struct duo duo = duo_sound(state);

		duo.handshake_ns = i == 2 ? 3 * SECOND : 0;
		begin_alone(&duo);
		if (i > 0)
			assert_int_equal(write(duo.harbour.there, first, sizeof(first)),
					 sizeof(first));
		for (unsigned at = 0; at < (i == 2 ? 2 : 9); at++) {
			world_sleep(&duo.harbour.world, SECOND);
			assert_log(&duo.harbour.world, "");
			if (i > 0)
				assert_int_equal(write(duo.harbour.there, "x", 1), 1);
		}
		world_sleep(&duo.harbour.world, SECOND * 3 / 2);
		assert_said(&duo,
			    "log 4 unit1 no TLS with unix: (example.test): It took too long.; "
			    "client %d; ",
			    -ETIME);
		duo_finish(&duo);
	}
}

static int cancels(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_task_cancel(self, harbour->tasks[0]);
}

static int hangs_up(struct troupe_self *self, struct harbour *harbour)
{
	troupe_close(self, harbour->stream);
	return 0;
}

/* After so many steps, of which there are some with one record at a time. */
static bool cut_short_after(struct duo *duo, unsigned steps, script *how)
{
	bool has_more = true;

	duo->piece = 500;
	duo->client_does = duo_reads_on;
	duo_begin(duo);
	for (unsigned i = 0; i < steps && has_more; i++) {
		if (i > 0) /* else while it loads its keys */
			duo_run(duo);
		has_more = i == 0 || duo_carry_both(duo);
	}
	duo->harbour.handler = how;
	harbour_tell(&duo->harbour);
	duo_run(duo);
	return has_more;
}

static void cancelled_anywhere_it_leaves_nothing(void **state)
{
	const unsigned before = descriptors_count();
	unsigned steps = 0;
	bool has_more = true;

	for (; has_more; steps++) {
		struct duo duo = duo_sound(state);
		const char *log;

		has_more = cut_short_after(&duo, steps, cancels);
		log = world_log(&duo.harbour.world);
		if (!strstr(log, "-125"))
			fail_msg("after %u steps: %s", steps, log);
		duo_finish(&duo);
		assert_int_equal(descriptors_count(), before);
	}
	assert_in_range(steps, 5, 1000);
}

static void closed_anywhere_it_leaves_nothing(void **state)
{
	const unsigned before = descriptors_count();
	unsigned steps = 0;
	bool has_more = true;

	for (; has_more; steps++) {
		struct duo duo = duo_sound(state);
		const char *log;

		has_more = cut_short_after(&duo, steps, hangs_up);
		duo_run_all(&duo);
		log = world_log(&duo.harbour.world);
		if (!strstr(log, "-103") && !strstr(log, "client -3; "))
			fail_msg("after %u steps: %s", steps, log);
		duo_finish(&duo);
		assert_int_equal(descriptors_count(), before);
	}
	assert_in_range(steps, 5, 1000);
}

/* As when the scope ends just when the keys are there. */
static int is_cut_before_it_begins(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_scope scope;
	struct troupe_tls tls;
	char byte;

	assert_int_equal(duo_load(self, duo_of(harbour), false, &tls), 0);
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	troupe_scope_cancel(self, scope);
	note(self, "%d ",
	     handshake_client(self, harbour->stream.id, keys_ref(keys_find(self, tls)), "a"));
	note(self, "%d ", troupe_scope_end(self, scope));
	note(self, "%zd ", troupe_read(self, harbour->stream, &byte, 1));
	note(self, "%d; ", troupe_write(self, harbour->stream, &byte, 1));
	return 0;
}

static void agreement_that_never_began_is_over(void **state)
{
	struct duo duo = duo_sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, is_cut_before_it_begins);
	duo_run(&duo);
	assert_said(&duo, "%d %d %d %d; ", -ECANCELED, -ECANCELED, -EPROTO, -EPROTO);
	duo_finish(&duo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_speaks_no_tls_is_refused),
		cmocka_unit_test(whoever_hangs_up_instead_is_heard),
		cmocka_unit_test(whoever_goes_altogether_has_hung_up),
		cmocka_unit_test(agreement_has_its_time_whatever_comes),
		cmocka_unit_test(cancelled_anywhere_it_leaves_nothing),
		cmocka_unit_test(closed_anywhere_it_leaves_nothing),
		cmocka_unit_test(agreement_that_never_began_is_over),
	};

	return cmocka_run_group_tests(tests, duo_make_certificates, duo_remove_certificates);
}
