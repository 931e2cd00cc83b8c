/* url.c - see url.h. */
#include "url.h"
#include <arpa/inet.h>
#include <errno.h>
#include <locale.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int error_of(CURLUcode code, const char **ret_reason)
{
	if (code == CURLUE_OUT_OF_MEMORY)
		return -ENOMEM;
	*ret_reason = curl_url_strerror(code);
	return code == CURLUE_UNSUPPORTED_SCHEME ? -EPROTONOSUPPORT : -EINVAL;
}

int url_address(const struct url *url, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	*ret_address = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, url->host, &v4.sin_addr) == 1)
		memcpy(ret_address, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, url->host, &v6.sin6_addr) == 1)
		memcpy(ret_address, &v6, sizeof(v6));
	else
		return -EINVAL;
	return 0;
}

static bool is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '#' || *c == '@')
			return false;
	return true;
}

/* libidn2 takes the text for one of the locale, which for a worker is C. curl has no error but
 * the lack of memory for a name that cannot be converted. */
static CURLUcode get_ascii_host(CURLU *handle, char **ret_host)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	CURLUcode code = curl_url_get(handle, CURLUPART_HOST, ret_host, CURLU_PUNYCODE);

	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	return code == CURLUE_OUT_OF_MEMORY ? CURLUE_BAD_HOSTNAME : code;
}

static int read_host(struct url *url, bool is_ascii, const char **ret_reason)
{
	CURLUcode code;
	char *host;

	if (is_ascii)
		code = curl_url_get(url->handle, CURLUPART_HOST, &host, 0);
	else
		code = get_ascii_host(url->handle, &host);
	if (code)
		return error_of(code, ret_reason);
	/* What curl is given then is what was looked up. */
	if (!is_ascii)
		code = curl_url_set(url->handle, CURLUPART_HOST, host, 0);
	size_t length = strlen(host);
	url->host = host[0] == '[' ? strndup(host + 1, length - 2) : strdup(host);
	curl_free(host);
	if (code)
		return error_of(code, ret_reason);
	if (!url->host)
		return -ENOMEM;
	for (char *c = url->host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	struct sockaddr_storage address;
	url->is_literal = url_address(url, &address) == 0;
	return 0;
}

static int read_scheme(struct url *url, bool any_scheme, const char **ret_reason)
{
	char *scheme, *port;
	CURLUcode code = curl_url_get(url->handle, CURLUPART_SCHEME, &scheme, 0);

	if (code)
		return error_of(code, ret_reason);
	url->is_tls = strcmp(scheme, "https") == 0;
	if (!url->is_tls && strcmp(scheme, "http") != 0 && !any_scheme) {
		curl_free(scheme);
		*ret_reason = "neither http nor https";
		return -EPROTONOSUPPORT;
	}
	code = curl_url_get(url->handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (!code) {
		size_t size =
			strlen(scheme) + strlen(url->host) + strlen(port) + sizeof("://:");

		url->port = (unsigned)strtoul(port, NULL, 10);
		url->origin = malloc(size);
		if (url->origin)
			snprintf(url->origin, size, "%s://%s:%s", scheme, url->host, port);
		curl_free(port);
	}
	curl_free(scheme);
	if (code)
		return error_of(code, ret_reason);
	return url->origin ? 0 : -ENOMEM;
}

static bool is_of_web(const struct url *url)
{
	char *scheme;
	bool is_of_web = true; /* one without is no other */

	if (!curl_url_get(url->handle, CURLUPART_SCHEME, &scheme, 0)) {
		is_of_web = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
		curl_free(scheme);
	}
	return is_of_web;
}

/* text: as it was given, when it is all of it; NULL when it was a relative one. */
static int read_parts(struct url *url, const char *text, bool any_scheme,
		      const char **ret_reason)
{
	bool is_ascii = text && is_plain(text);
	char *whole;

	int r = read_host(url, is_ascii, ret_reason);
	if (r == -EINVAL && !any_scheme && !is_of_web(url)) {
		*ret_reason = "neither http nor https"; /* such as file:///etc */
		return -EPROTONOSUPPORT;
	}
	if (r == 0)
		r = read_scheme(url, any_scheme, ret_reason);
	if (r < 0)
		return r;
	if (is_ascii) {
		url->text = strdup(text);
		return url->text ? 0 : -ENOMEM;
	}
	(void)curl_url_set(url->handle, CURLUPART_FRAGMENT, NULL, 0);
	CURLUcode code = curl_url_get(url->handle, CURLUPART_URL, &whole, 0);
	if (code)
		return error_of(code, ret_reason);
	url->text = strdup(whole);
	curl_free(whole);
	if (!url->text)
		return -ENOMEM;
	if (strlen(url->text) > URL_MAX) {
		*ret_reason = "too long";
		return -EINVAL;
	}
	return 0;
}

/* Take the handle apart, which is taken. */
static int init_of(struct url *url, CURLU *handle, const char *text, bool is_relative,
		   bool any_scheme, const char **ret_reason)
{
	struct url made = {.handle = handle};

	if (!handle)
		return -ENOMEM;
	if (strlen(text) > URL_MAX) {
		curl_url_cleanup(handle);
		*ret_reason = "too long";
		return -EINVAL;
	}
	CURLUcode code = curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	int r = code ? error_of(code, ret_reason)
		     : read_parts(&made, is_relative ? NULL : text, any_scheme, ret_reason);
	if (r < 0) {
		url_fini(&made);
		return r;
	}
	*url = made;
	return 0;
}

int url_init(struct url *url, const char *text, bool any_scheme, const char **ret_reason)
{
	return init_of(url, curl_url(), text, false, any_scheme, ret_reason);
}

void url_fini(struct url *url)
{
	curl_url_cleanup(url->handle);
	free(url->text);
	free(url->host);
	free(url->origin);
	*url = (struct url){0};
}

int url_follow(const struct url *url, const char *location, struct url *ret_url,
	       const char **ret_reason)
{
	return init_of(ret_url, curl_url_dup(url->handle), location, true, false, ret_reason);
}

char *url_print(const struct url *url)
{
	CURLU *copy;
	char *text = NULL, *found = NULL;

	if (!strchr(url->text, '@'))
		return strdup(url->text);
	copy = curl_url_dup(url->handle);
	if (!copy)
		return NULL;
	if (!curl_url_set(copy, CURLUPART_USER, NULL, 0) &&
	    !curl_url_set(copy, CURLUPART_PASSWORD, NULL, 0) &&
	    !curl_url_get(copy, CURLUPART_URL, &found, 0)) {
		text = strdup(found);
		curl_free(found);
	}
	curl_url_cleanup(copy);
	return text;
}
