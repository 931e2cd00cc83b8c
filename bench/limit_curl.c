/* limit_curl.c - bare libcurl on a bare loop: what http-client is held against.
 *
 *   limit_curl CONNECTIONS PAGES URL
 *
 * One easy handle for each connection, used again and again; bodies are dropped. Prints
 * RESULT,http,SECONDS,BYTES.
 */
#include <curl/curl.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct loop {
	CURLM *multi;
	struct ev_loop *ev;
	ev_timer timer;
	long left, live, fetched, bytes;
	int running;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void look(struct loop *loop)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURL *easy = message->easy_handle;
		long status = 0;

		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		loop->fetched += message->data.result == CURLE_OK && status == 200;
		curl_multi_remove_handle(loop->multi, easy);
		if (loop->left > 0) {
			loop->left--;
			curl_multi_add_handle(loop->multi, easy);
		} else {
			curl_easy_cleanup(easy);
			if (--loop->live == 0)
				ev_break(loop->ev, EVBREAK_ALL);
		}
	}
}

static void on_ready(struct ev_loop *ev, ev_io *io, int events)
{
	struct loop *loop = ev_userdata(ev);

	curl_multi_socket_action(loop->multi, io->fd,
				 (events & EV_READ ? CURL_CSELECT_IN : 0) |
					 (events & EV_WRITE ? CURL_CSELECT_OUT : 0),
				 &loop->running);
	look(loop);
}

static void on_tick(struct ev_loop *ev, ev_timer *timer, int events)
{
	struct loop *loop = ev_userdata(ev);

	(void)timer;
	(void)events;
	curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &loop->running);
	look(loop);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *of_socket)
{
	struct loop *loop = data;
	ev_io *io = of_socket;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (io) {
			ev_io_stop(loop->ev, io);
			free(io);
			curl_multi_assign(loop->multi, fd, NULL);
		}
		return 0;
	}
	if (!io) {
		io = calloc(1, sizeof(*io));
		curl_multi_assign(loop->multi, fd, io);
	} else {
		ev_io_stop(loop->ev, io);
	}
	ev_io_init(io, on_ready, fd,
		   (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	ev_io_start(loop->ev, io);
	return 0;
}

static int on_timeout(CURLM *multi, long ms, void *data)
{
	struct loop *loop = data;

	(void)multi;
	ev_timer_stop(loop->ev, &loop->timer);
	if (ms >= 0) {
		ev_timer_set(&loop->timer, (double)ms / 1e3, 0.);
		ev_timer_start(loop->ev, &loop->timer);
	}
	return 0;
}

static size_t drop(char *data, size_t one, size_t size, void *loop)
{
	(void)data;
	(void)one;
	((struct loop *)loop)->bytes += (long)size;
	return size;
}

int main(int argc, char **argv)
{
	struct loop loop = {.ev = ev_default_loop(0)};
	double began;

	if (argc != 4)
		return 2;
	long connections = atol(argv[1]), pages = atol(argv[2]);
	curl_global_init(CURL_GLOBAL_ALL);
	loop.multi = curl_multi_init();
	loop.left = pages - connections;
	loop.live = connections;
	ev_set_userdata(loop.ev, &loop);
	ev_timer_init(&loop.timer, on_tick, 0, 0);
	curl_multi_setopt(loop.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(loop.multi, CURLMOPT_SOCKETDATA, &loop);
	curl_multi_setopt(loop.multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(loop.multi, CURLMOPT_TIMERDATA, &loop);
	curl_multi_setopt(loop.multi, CURLMOPT_MAXCONNECTS, connections);
	began = now();
	for (long i = 0; i < connections; i++) {
		CURL *easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_URL, argv[3]);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &loop);
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1l);
		curl_multi_add_handle(loop.multi, easy);
	}
	ev_run(loop.ev, 0);
	double seconds = now() - began;
	curl_multi_cleanup(loop.multi);
	if (loop.fetched != pages)
		return 1;
	printf("RESULT,http,%.6f,%ld\n", seconds, loop.bytes);
	return 0;
}
