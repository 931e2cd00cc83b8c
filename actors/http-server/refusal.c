/* refusal.c - answers written past libmicrohttpd, where it has none or a wrong one. */
#include "refusal.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SCRAP      4096
#define SCRAPS_MAX 64

static size_t print_answer(char *text, size_t size, unsigned status)
{
	time_t now = time(NULL);
	char date[64];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(text, size,
		 "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		 status, MHD_get_reason_phrase_for(status), date);
	return strlen(text);
}

/* A socket that is closed with something unread resets the connection, and the client may not
 * see the answer. */
static void drop_unread(int fd)
{
	char scrap[SCRAP];

	for (int i = 0; i < SCRAPS_MAX; i++)
		if (recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT) <= 0)
			break;
}

/* What the socket does not take at once is lost: the connection ends anyway. */
void refusal_write(struct server *server, struct peer *peer, unsigned status)
{
	gnutls_session_t session = peer_session(peer);
	char text[256];
	size_t size = print_answer(text, sizeof(text), status);

	if (session) {
		(void)gnutls_record_send(session, text, size);
		(void)gnutls_bye(session, GNUTLS_SHUT_WR);
	} else {
		(void)send(peer->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	drop_unread(peer->fd);
	peer_end(server, peer);
}

/* Its header is complete, and it is neither answered nor, by exchange.c, judged. */
static bool is_being_read(const struct peer *peer)
{
	return MHD_get_connection_info(peer->connection,
				       MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE) &&
	       !MHD_get_connection_info(peer->connection, MHD_CONNECTION_INFO_HTTP_STATUS);
}

void refusal_on_log(struct server *server, const char *line)
{
	struct peer *peer;
	unsigned status;

	if (sscanf(line, "Error processing request (HTTP response code is %u", &status) != 1)
		return;
	TAILQ_FOREACH_REVERSE(peer, &server->peers.phases[PHASE_HEADER], peer_list, link)
	if (is_being_read(peer)) {
		refusal_write(server, peer, status);
		return;
	}
}
