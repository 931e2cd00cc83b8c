/* handshake.c - see handshake.h. */
#include "handshake.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define GUID     "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_SIZE 24 /* 16 bytes in base64 */

static const char *header_of(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static bool accept_key(const char *key, char to[static HANDSHAKE_KEY])
{
	char text[KEY_SIZE + sizeof(GUID)];
	unsigned char hash[20];
	gnutls_datum_t from = {.data = hash, .size = sizeof(hash)}, made;

	snprintf(text, sizeof(text), "%s" GUID, key);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text, strlen(text), hash) < 0 ||
	    gnutls_base64_encode2(&from, &made) < 0)
		return false;
	snprintf(to, HANDSHAKE_KEY, "%.*s", (int)made.size, (const char *)made.data);
	gnutls_free(made.data);
	return true;
}

static bool is_key(const char *key)
{
	return key && strlen(key) == KEY_SIZE &&
	       strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
			   "=") == KEY_SIZE;
}

/* A browser says which site's page asks; only this server's own may. */
static bool is_of_this_site(const struct exchange *exchange)
{
	const char *origin = header_of(exchange, "Origin");
	const char *host = header_of(exchange, MHD_HTTP_HEADER_HOST);
	const char *authority = origin ? strstr(origin, "://") : NULL;

	return !origin || (authority && host && strcasecmp(authority + 3, host) == 0);
}

unsigned handshake_judge(const struct exchange *exchange,
			 char ret_accepted[static HANDSHAKE_KEY])
{
	const char *upgrade = header_of(exchange, MHD_HTTP_HEADER_UPGRADE);
	const char *connection = header_of(exchange, MHD_HTTP_HEADER_CONNECTION);
	const char *version = header_of(exchange, "Sec-WebSocket-Version");
	const char *key = header_of(exchange, "Sec-WebSocket-Key");

	if (!upgrade || strcasecmp(upgrade, "websocket") != 0 || !version ||
	    strcmp(version, "13") != 0)
		return 426;
	if (!connection || !strcasestr(connection, "upgrade") || !is_key(key))
		return 400;
	if (!is_of_this_site(exchange))
		return 403;
	return accept_key(key, ret_accepted) ? 101 : 500;
}
