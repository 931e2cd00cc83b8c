/* TLS with whom nobody trusts: certificates, names and protocols that are wrong. */
#include "duo.h"
#include "io/keys.h"
#include "io/tls_library.h"

static void refused(struct duo *duo, const char *client, const char *server)
{
	const char *log;

	duo_play(duo);
	log = world_log(&duo->harbour.world);
	if (!strstr(log, client) || !strstr(log, server))
		fail_msg("%s", log);
	duo_finish(duo);
}

static void certificates_that_are_wrong_are_refused(void **state)
{
	static const struct {
		const char *certificate, *authority, *name, *words;
	} wrong[] = {
		{"unknown", "ca", "example.test", "The certificate issuer is unknown."},
		{"expired", "ca", "example.test",
		 "The certificate chain uses expired certificate."},
		{"other", "ca", "example.test",
		 "The name in the certificate does not match the expected."},
		{"good", "ca", "127.0.0.2",
		 "The name in the certificate does not match the expected."},
		{"good", "stranger", "example.test", "The certificate issuer is unknown."},
		{"client", "ca", "client.test",
		 "The certificate chain does not match the intended purpose."},
	};
	char client[200];

	snprintf(client, sizeof(client), "client %d; ", -EKEYREJECTED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct duo duo = duo_sound(state);

		duo.certificate = wrong[i].certificate;
		duo.authority = wrong[i].authority;
		duo.name = wrong[i].name;
		refused(&duo, wrong[i].words, client);
	}
}

static void addresses_are_names_too(void **state)
{
	struct duo duo = duo_sound(state);

	duo.name = "127.0.0.1";
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	duo_finish(&duo);
	duo = duo_sound(state);
	duo.name = "example.test."; /* it is complete */
	duo_play(&duo);
	assert_said(&duo, "client 0; server 0; ");
	duo_finish(&duo);
}

static void client_without_a_certificate_is_refused_where_one_is_asked_for(void **state)
{
	struct duo duo = duo_sound(state);
	char server[200];

	duo.client_certificate = "";
	snprintf(server, sizeof(server), "server %d; ", -EKEYREJECTED);
	refused(&duo, "client 0; ", server); /* TLS 1.3: it does not know yet */
	duo = duo_sound(state);
	duo.client_certificate = "good"; /* that of a server */
	refused(&duo, "does not match the intended purpose", server);
}

static void protocols_that_do_not_meet_are_refused(void **state)
{
	static const char *const offers[] = {"a", NULL}, *const takes[] = {"b", NULL};
	struct duo duo = duo_sound(state);
	char client[200];

	duo.offers = offers;
	duo.takes = takes;
	snprintf(client, sizeof(client), "client %d; ", -EPROTO);
	refused(&duo, "The other side refuses", client);
}

static void certificate_of_one_who_has_gone_is_refused(void **state)
{
	struct duo duo = duo_sound(state);
	char expected[64];
	const char *log;

	duo.certificate = "unknown";
	duo_begin(&duo);
	while (duo.to_client == 0) {
		duo_run(&duo);
		duo_carry_both(&duo);
	}
	duo_is_gone(&duo);
	snprintf(expected, sizeof(expected), "client %d; ", -EKEYREJECTED);
	log = world_log(&duo.harbour.world);
	if (!strstr(log, expected))
		fail_msg("%s", log);
	duo_finish(&duo);
}

static int have_none(gnutls_certificate_credentials_t credentials)
{
	(void)credentials;
	return 0;
}

static int have_one(gnutls_certificate_credentials_t credentials)
{
	(void)credentials;
	return 1;
}

static int trusts_the_system(struct troupe_self *self, struct harbour *harbour)
{
	struct key_store *store = &harbour->io->key_store;
	struct troupe_tls tls;
	struct keys *keys;

	assert_int_equal(duo_load(self, duo_of(harbour), true, &tls), 0);
	store->gnutls->certificate_set_x509_system_trust = have_none;
	for (unsigned i = 0; i < 2; i++)
		note(self, "%d; ", troupe_start_tls(self, harbour->stream, "example.test"));
	assert_null(store->system);
	/* a server asks nobody */
	assert_int_equal(duo_load(self, duo_of(harbour), true, &tls), 0);
	store->gnutls->certificate_set_x509_system_trust = have_one;
	assert_int_equal(keys_obtain(self, (struct troupe_tls){0}, &keys), 0);
	keys_unref(keys);
	return 0;
}

static void system_that_trusts_nobody_is_told_of(void **state)
{
	static const char words[] = "log 3 unit1 TLS: the system trusts no authorities (is "
				    "ca-certificates installed?); ";
	struct duo duo = duo_sound(state);

	duo.own = duo.there = -1;
	harbour_play(&duo.harbour, trusts_the_system);
	duo_run(&duo);
	assert_said(&duo, "%s%d; %s%d; ", words, -EKEYREJECTED, words, -EKEYREJECTED);
	duo_finish(&duo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_that_are_wrong_are_refused),
		cmocka_unit_test(addresses_are_names_too),
		cmocka_unit_test(
			client_without_a_certificate_is_refused_where_one_is_asked_for),
		cmocka_unit_test(protocols_that_do_not_meet_are_refused),
		cmocka_unit_test(certificate_of_one_who_has_gone_is_refused),
		cmocka_unit_test(system_that_trusts_nobody_is_told_of),
	};

	return cmocka_run_group_tests(tests, duo_make_certificates, duo_remove_certificates);
}
