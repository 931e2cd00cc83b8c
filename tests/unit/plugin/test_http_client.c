/* The parts of the http_client actor that need neither an actor nor libcurl: what it makes of
 * what servers say, who has a place next, and which addresses are denied. */

/* A plug-in's files are in no archive: they are tested as they are. */
#include "actors/http-client/answer.c"
#include "actors/http-client/networks.c"
#include "actors/http-client/queue.c"
#include "actors/http-client/text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ------------------------------------------------------------------ text */

static void text_is_utf8_and_nothing_else(void **state)
{
	static const char *const good[] = {"",
					   "plain",
					   "gr\xc3\xbc\xc3\x9f",
					   "\xe2\x82\xac",
					   "\xf0\x9f\x98\x80",
					   "\xf4\x8f\xbf\xbf",
					   "\xed\x9f\xbf",
					   "sixteen letters!\xc3\xbc and more than sixteen"};
	static const char *const bad[] = {
		"\x80",         "\xc3",         "\xc0\xaf",
		"\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xff",         "\xe2\x82",     "sixteen letters!\xfc"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_utf8(bad[i], strlen(bad[i])));
	/* A NUL is none, wherever it is in a word of eight. */
	for (size_t at = 0; at < 20; at++) {
		char text[20];

		memset(text, 'x', sizeof(text));
		assert_true(text_is_utf8(text, sizeof(text)));
		text[at] = '\0';
		assert_false(text_is_utf8(text, sizeof(text)));
	}
}

static void latin_becomes_utf8(void **state)
{
	char all[256], text[256 * 3 + 1];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	size_t size = text_from_latin(all, sizeof(all), NULL);
	assert_int_equal(text_from_latin(all, sizeof(all), text), size);
	assert_true(text_is_utf8(text, size));
	text[text_from_latin("\x80\xe9", 2, text)] = '\0';
	assert_string_equal(text, "\xe2\x82\xac\xc3\xa9");
	assert_true(text_is_latin("text/html; charset=ISO-8859-1"));
	assert_true(text_is_latin("text/html;charset=\"windows-1252\""));
	assert_false(text_is_latin("text/html; charset=iso-8859-15"));
	assert_false(text_is_latin("text/html"));
	assert_false(text_is_latin(NULL));
}

/* ------------------------------------------------------------------ answers */

static int add_line(struct answer *answer, const char *line)
{
	return answer_add_line(answer, line, strlen(line));
}

static void answer_collects_headers_of_the_last_status(void **state)
{
	struct budget budget = {.limit = 1 << 20};
	const char *name, *value;
	struct answer answer;
	size_t cursor = 0;

	(void)state;
	answer_init(&answer, &budget);
	assert_int_equal(add_line(&answer, "HTTP/1.1 100 Continue\r\n"), 0);
	assert_int_equal(add_line(&answer, "X-Early: 1\r\n"), 0);
	assert_int_equal(add_line(&answer, "\r\n"), 0);
	assert_int_equal(add_line(&answer, "HTTP/2 200 \r\n"), 0);
	assert_int_equal(add_line(&answer, "Content-Length:  12 \r\n"), 0);
	assert_int_equal(add_line(&answer, "SET-COOKIE: a=\xe9\r\n"), 0);
	assert_int_equal(add_line(&answer, "no colon\r\n"), 0);
	assert_int_equal(add_line(&answer, "Empty:\r\n"), 0);
	assert_false(answer.has_headers);
	assert_int_equal(add_line(&answer, "\r\n"), 1);
	assert_int_equal(answer.status, 200);
	assert_true(answer.has_length && answer.length == 12);
	assert_string_equal(answer_header(&answer, "set-cookie"), "a=\xc3\xa9");
	assert_string_equal(answer_header(&answer, "empty"), "");
	assert_null(answer_header(&answer, "x-early"));
	/* What follows the body is no header. */
	assert_int_equal(add_line(&answer, "X-Trailer: 1\r\n"), 0);
	assert_int_equal(add_line(&answer, "\r\n"), 0);
	unsigned n = 0;
	while (answer_next_header(&answer, &cursor, &name, &value))
		n++;
	assert_int_equal(n, 3);
	assert_int_equal(answer.n_headers, 3);
	answer_fini(&answer);
	assert_int_equal(budget.used, 0);
}

static void answer_has_limits(void **state)
{
	struct budget budget = {.limit = 10000};
	char line[2000], body[6000] = "";
	struct answer answer;
	int r = 0;

	(void)state;
	answer_init(&answer, &budget);
	add_line(&answer, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; r == 0 && i <= ANSWER_HEADERS; i++)
		r = add_line(&answer, "a:\r\n");
	assert_int_equal(r, -E2BIG);
	budget.limit = 1 << 20;
	add_line(&answer, "HTTP/1.1 200 OK\r\n");
	memset(line, 'v', sizeof(line));
	line[0] = 'h';
	line[1] = ':';
	line[sizeof(line) - 1] = '\0';
	for (r = 0; r == 0;)
		r = add_line(&answer, line);
	assert_int_equal(r, -E2BIG);
	assert_true(answer.headers.size <= ANSWER_HEADERS_MAX);
	answer_reset(&answer);
	assert_int_equal(budget.used, 0);

	budget.limit = 10000;
	assert_int_equal(answer_add_body(&answer, body, sizeof(body)), 0);
	assert_int_equal(answer_add_body(&answer, body, sizeof(body)), -ENOBUFS);
	assert_int_equal(answer.body.size, sizeof(body));
	answer_fini(&answer);
	assert_int_equal(budget.used, 0);
}

static void answer_allocates_once_what_is_expected(void **state)
{
	struct budget budget = {.limit = 1 << 20};
	struct answer answer;

	(void)state;
	answer_init(&answer, &budget);
	answer.expected = 100000;
	for (int i = 0; i < 100; i++) {
		char piece[1000] = "";

		assert_int_equal(answer_add_body(&answer, piece, sizeof(piece)), 0);
		assert_int_equal(answer.body.allocated, 100001);
	}
	answer_fini(&answer);
	assert_int_equal(budget.used, 0);
}

static void answer_becomes_text(void **state)
{
	struct budget budget = {.limit = 1 << 20};
	struct answer answer;

	(void)state;
	answer_init(&answer, &budget);
	assert_true(answer_make_text(&answer));
	assert_string_equal(answer.body.data, "");
	answer_add_body(&answer, "plain", 5);
	assert_true(answer_make_text(&answer));
	assert_string_equal(answer.body.data, "plain");
	answer_add_body(&answer, "\xfc", 1);
	assert_false(answer_make_text(&answer));
	assert_int_equal(answer.body.size, 6);
	answer_reset(&answer);
	add_line(&answer, "HTTP/1.1 200 OK\r\n");
	add_line(&answer, "Content-Type: text/plain; charset=latin1\r\n");
	answer_add_body(&answer, "\xfc\x80", 2);
	assert_true(answer_make_text(&answer));
	assert_string_equal(answer.body.data, "\xc3\xbc\xe2\x82\xac");
	answer_fini(&answer);
	assert_int_equal(budget.used, 0);
}

/* ------------------------------------------------------------------ places */

static void places_are_limited_and_origins_take_turns(void **state)
{
	struct place places[12] = {0};
	struct queue queue;

	(void)state;
	queue_init(&queue, 4, 3, 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(queue_add(&queue, "a", false, &places[i]), 0);
	assert_int_equal(queue_add(&queue, "b", false, &places[10]), 0);
	assert_int_equal(queue_add(&queue, "b", true, &places[11]), 0);
	assert_ptr_equal(queue_next(&queue), &places[0]);
	assert_ptr_equal(queue_next(&queue), &places[11]);
	assert_ptr_equal(queue_next(&queue), &places[1]);
	assert_ptr_equal(queue_next(&queue), &places[10]);
	assert_null(queue_next(&queue)); /* four in all */
	queue_remove(&queue, &places[11]);
	assert_ptr_equal(queue_next(&queue), &places[2]);
	queue_remove(&queue, &places[10]);
	assert_null(queue_next(&queue));  /* three of "a" */
	queue_remove(&queue, &places[3]); /* one that waits */
	queue_remove(&queue, &places[0]);
	assert_ptr_equal(queue_next(&queue), &places[4]);
	for (int i = 0; i < 12; i++) {
		queue_remove(&queue, &places[i]);
		queue_remove(&queue, &places[i]);
	}
	assert_null(queue.by_name);
	assert_int_equal(queue.n_taken, 0);
	queue_fini(&queue);
}

/* What is left in a lane by those that are done is found by as many that follow. */
static void lanes_are_filled_evenly_and_used_again(void **state)
{
	struct place places[40] = {0};
	unsigned used[QUEUE_LANES] = {0};
	struct queue queue;

	(void)state;
	queue_init(&queue, 40, 40, 5);
	for (int round = 0; round < 3; round++) {
		for (int n = 1; n <= 40; n++) {
			assert_int_equal(queue_add(&queue, "a", false, &places[n - 1]), 0);
			assert_ptr_equal(queue_next(&queue), &places[n - 1]);
			/* So many in all, and never more in one: */
			used[places[n - 1].lane] += round == 0;
			assert_true(queue.n_in_lane[places[n - 1].lane] <=
				    (unsigned)(n + 4) / 5);
		}
		for (int i = 0; i < 40; i++)
			queue_remove(&queue, &places[i]);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(used[i], 8);
	/* One after the other they are all in one. */
	assert_int_equal(queue_add(&queue, "a", false, &places[0]), 0);
	assert_non_null(queue_next(&queue));
	unsigned lane = places[0].lane;
	for (int i = 0; i < 10; i++) {
		queue_remove(&queue, &places[0]);
		assert_int_equal(queue_add(&queue, "a", false, &places[0]), 0);
		assert_non_null(queue_next(&queue));
		assert_int_equal(places[0].lane, lane);
	}
	queue_remove(&queue, &places[0]);
	queue_fini(&queue);
}

/* With fewer places than lanes, some lanes have none. */
static void a_lane_without_a_share_is_not_used(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	struct place places[8] = {0};
	struct queue queue;

	(void)state;
	queue_init(&queue, 3, 3, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(queue_add(&queue, names[i], false, &places[i]), 0);
	for (int i = 0; i < 3; i++)
		assert_non_null(queue_next(&queue));
	assert_null(queue_next(&queue));
	for (int i = 0; i < 8; i++)
		assert_int_equal(queue.n_in_lane[i], i < 3);
	for (int i = 0; i < 8; i++)
		queue_remove(&queue, &places[i]);
	queue_fini(&queue);
}

/* Random steps beside a model. */
static void places_are_never_lost(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	enum { PLACES = 64 };
	struct place places[PLACES] = {0};
	unsigned long long random = 7;
	struct queue queue;

	(void)state;
	queue_init(&queue, 10, 3, 4);
	for (int step = 0; step < 200000; step++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		unsigned which = (unsigned)(random >> 33) % PLACES;

		if (!places[which].origin)
			queue_add(&queue, names[which % 5], random >> 60, &places[which]);
		else if (random >> 62)
			queue_remove(&queue, &places[which]);
		if ((random >> 50) % 4 == 0)
			while (queue_next(&queue))
				;
		unsigned taken = 0, of[5] = {0}, waiting[5] = {0};
		for (unsigned i = 0; i < PLACES; i++) {
			taken += places[i].is_taken;
			of[i % 5] += places[i].is_taken;
			waiting[i % 5] += places[i].origin && !places[i].is_taken;
		}
		assert_int_equal(queue.n_taken, taken);
		assert_true(taken <= 10);
		unsigned in_lane[4] = {0};
		for (unsigned i = 0; i < PLACES; i++)
			if (places[i].is_taken)
				in_lane[places[i].lane]++;
		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(queue.n_in_lane[i], in_lane[i]);
			assert_true(in_lane[i] <= (i < 2 ? 3 : 2));
		}
		bool is_ready = false;
		for (unsigned i = 0; i < 5; i++) {
			assert_true(of[i] <= 3);
			is_ready |= waiting[i] && of[i] < 3;
		}
		assert_int_equal(queue.ready != NULL, is_ready);
	}
	for (unsigned i = 0; i < PLACES; i++)
		queue_remove(&queue, &places[i]);
	assert_null(queue.by_name);
}

/* ------------------------------------------------------------------ networks */

static bool holds_text(const struct networks *networks, const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_storage address = {0};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(&address, &v4, sizeof(v4));
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
		memcpy(&address, &v6, sizeof(v6));
	}
	return networks_hold(networks, (struct sockaddr *)&address);
}

static void private_addresses_are_known_in_every_form(void **state)
{
	static const char *const inside[] = {"127.0.0.1",
					     "10.255.255.255",
					     "172.31.0.1",
					     "192.168.0.1",
					     "169.254.1.1",
					     "0.0.0.0",
					     "255.255.255.255",
					     "239.1.2.3",
					     "::1",
					     "::",
					     "fe80::1",
					     "fdff::1",
					     "ff02::1",
					     "100.127.0.1",
					     "::ffff:10.0.0.1",
					     "64:ff9b::10.0.0.1",
					     "2002:a00:1::"};
	static const char *const outside[] = {"8.8.8.8",         "172.32.0.1", "100.128.0.1",
					      "2606:4700::1",    "11.0.0.1",   "::ffff:8.8.8.8",
					      "64:ff9b::8.8.8.8"};
	const char *const words[] = {"private"};
	struct networks networks;
	const char *word;

	(void)state;
	assert_int_equal(networks_init(&networks, words, 1, &word), 0);
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (!holds_text(&networks, inside[i]))
			fail_msg("%s is held to be public", inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		if (holds_text(&networks, outside[i]))
			fail_msg("%s is held to be private", outside[i]);
	/* What is neither is no address to connect to. */
	assert_true(networks_hold(&networks, &(struct sockaddr){.sa_family = AF_UNIX}));
	networks_fini(&networks);
}

static void networks_end_where_they_end(void **state)
{
	const char *const words[] = {"192.0.2.128/25", "2001:db8:8000::/33", "198.51.100.7"};
	struct networks networks;
	const char *word;

	(void)state;
	assert_int_equal(networks_init(&networks, words, 3, &word), 0);
	assert_true(holds_text(&networks, "192.0.2.128"));
	assert_true(holds_text(&networks, "192.0.2.255"));
	assert_false(holds_text(&networks, "192.0.2.127"));
	assert_true(holds_text(&networks, "2001:db8:8000::1"));
	assert_false(holds_text(&networks, "2001:db8:7fff::1"));
	assert_true(holds_text(&networks, "198.51.100.7"));
	assert_false(holds_text(&networks, "198.51.100.6"));
	networks_fini(&networks);
	assert_false(holds_text(&networks, "192.0.2.128"));
}

static void networks_that_are_none_are_named(void **state)
{
	static const char *const wrong[] = {"",          "10.0.0.0/33", "::/129",
					    "10.0.0.0/", "10.0.0.0/x",  "10.0.0/8",
					    "home",      "10.0.0.0/-1", "/8"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *const words[] = {"10.0.0.0/8", wrong[i]};
		const char *word = NULL;
		struct networks networks;

		assert_int_equal(networks_init(&networks, words, 2, &word), -EINVAL);
		assert_ptr_equal(word, wrong[i]);
	}
	const char *words[NETWORKS_MAX + 1], *word;
	struct networks networks;
	for (size_t i = 0; i < NETWORKS_MAX + 1; i++)
		words[i] = "10.0.0.0/8";
	assert_int_equal(networks_init(&networks, words, NETWORKS_MAX + 1, &word), -E2BIG);
	assert_int_equal(networks_init(&networks, words, NETWORKS_MAX, &word), 0);
	networks_fini(&networks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_utf8_and_nothing_else),
		cmocka_unit_test(latin_becomes_utf8),
		cmocka_unit_test(answer_collects_headers_of_the_last_status),
		cmocka_unit_test(answer_has_limits),
		cmocka_unit_test(answer_allocates_once_what_is_expected),
		cmocka_unit_test(answer_becomes_text),
		cmocka_unit_test(places_are_limited_and_origins_take_turns),
		cmocka_unit_test(places_are_never_lost),
		cmocka_unit_test(lanes_are_filled_evenly_and_used_again),
		cmocka_unit_test(a_lane_without_a_share_is_not_used),
		cmocka_unit_test(private_addresses_are_known_in_every_form),
		cmocka_unit_test(networks_end_where_they_end),
		cmocka_unit_test(networks_that_are_none_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
