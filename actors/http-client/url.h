/* url.h - where a request goes to: a URL taken apart by curl's own parser, so that what is
 * judged here is what curl connects to.
 *
 * Heap memory, init/fini of the caller's struct; one thread at a time.
 */
#ifndef HTTP_CLIENT_URL_H
#define HTTP_CLIENT_URL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/socket.h>

#define URL_MAX (16u << 10) /* bytes */

struct url {
	CURLU *handle;
	char *text;   /* without a fragment; names outside of ASCII in their ASCII form */
	char *host;   /* in lower case, without the brackets of an IPv6 address */
	char *origin; /* scheme, host and port: requests that may share a connection */
	unsigned port;
	bool is_tls;
	bool is_literal; /* the host is an address */
};

/* any_scheme: others than http and https are taken as well, for proxies. -EINVAL: it is
 * none, and *ret_reason says why, a constant; -EPROTONOSUPPORT: of another scheme; -ENOMEM. On
 * failure there is nothing to free. */
int url_init(struct url *url, const char *text, bool any_scheme, const char **ret_reason);
void url_fini(struct url *url);

/* Where `location` leads from there, relative or not. Errors as for url_init(). */
int url_follow(const struct url *url, const char *location, struct url *ret_url,
	       const char **ret_reason);

/* The address that a literal host is. -EINVAL: it is none. */
int url_address(const struct url *url, struct sockaddr_storage *ret_address);

/* The text for people and for other actors: without user and password. Given; NULL: no
 * memory. */
char *url_print(const struct url *url);

#endif
