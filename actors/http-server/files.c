/* files.c - files below Root=: small ones in one piece with their head, others by sendfile. */
#include "files.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ERRORS    "io.troupe.httpserver."
#define PATH_SIZE 4096
/* What is read rather than sent by sendfile, which makes two packets of an answer: that of the
 * head, and that of the body. */
#define SMALL_FILE (8u << 10)

static const struct {
	const char *ending, *type;
} types[] = {
	{"html", "text/html; charset=utf-8"},
	{"htm", "text/html; charset=utf-8"},
	{"css", "text/css; charset=utf-8"},
	{"js", "text/javascript; charset=utf-8"},
	{"mjs", "text/javascript; charset=utf-8"},
	{"json", "application/json"},
	{"txt", "text/plain; charset=utf-8"},
	{"md", "text/markdown; charset=utf-8"},
	{"csv", "text/csv; charset=utf-8"},
	{"xml", "application/xml"},
	{"svg", "image/svg+xml"},
	{"png", "image/png"},
	{"jpg", "image/jpeg"},
	{"jpeg", "image/jpeg"},
	{"gif", "image/gif"},
	{"webp", "image/webp"},
	{"ico", "image/x-icon"},
	{"woff2", "font/woff2"},
	{"wasm", "application/wasm"},
	{"pdf", "application/pdf"},
	{"gz", "application/gzip"},
	{"zip", "application/zip"},
	{"mp4", "video/mp4"},
	{"mp3", "audio/mpeg"},
};

static const char *type_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(dot + 1, types[i].ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static int digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The path without its first slash, decoded; false: there can be no such file. An escaped slash
 * is none that separates: it is refused, as a NUL is. */
static bool decode(const char *path, const char *index, char *to)
{
	char *const start = to, *const end = to + PATH_SIZE - 1;

	for (path++; *path && to < end; path++) {
		char c = *path;

		if (c == '%') {
			int high = digit(path[1]), low = high < 0 ? -1 : digit(path[2]);

			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			path += 2;
			if (c == '/')
				return false;
		}
		bool begins = to == start || to[-1] == '/';
		if ((unsigned char)c < ' ' || c == 0x7f || c == '\\' ||
		    (begins && (c == '.' || c == '/')))
			return false;
		*to++ = c;
	}
	*to = '\0';
	if (*path)
		return false;
	if (to == start || to[-1] == '/') {
		if ((size_t)(end - to) < strlen(index))
			return false;
		strcpy(to, index);
	}
	return true;
}

static int open_beneath(int root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* A rename elsewhere while it was looked up */
	for (int tries = 0; tries < 8; tries++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

static const char *header_of(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static bool is_unchanged(const struct exchange *exchange, const char *tag, const char *modified)
{
	const char *tags = header_of(exchange, MHD_HTTP_HEADER_IF_NONE_MATCH);
	const char *since = header_of(exchange, MHD_HTTP_HEADER_IF_MODIFIED_SINCE);

	if (tags)
		return strcmp(tags, "*") == 0 || strstr(tags, tag);
	return since && strcmp(since, modified) == 0;
}

/* One range of "bytes=": 1, and where it begins and ends; 0: all of the file is sent; -1: it is
 * none of the file's. */
static int range_of(const struct exchange *exchange, const char *tag, uint64_t size,
		    uint64_t *ret_first, uint64_t *ret_count)
{
	const char *text = header_of(exchange, MHD_HTTP_HEADER_RANGE);
	const char *condition = header_of(exchange, "If-Range");
	unsigned long long first, last = size ? size - 1 : 0;
	char *end;

	if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ',') ||
	    (condition && strcmp(condition, tag) != 0))
		return 0;
	text += 6;
	if (text[0] == '-') {
		unsigned long long count = strtoull(text + 1, &end, 10);

		if (text[1] < '0' || text[1] > '9' || *end)
			return 0;
		if (count == 0 || size == 0)
			return -1;
		first = count < size ? size - count : 0;
	} else {
		first = strtoull(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end != '-')
			return 0;
		if (end[1]) {
			const char *second = end + 1;
			unsigned long long given = strtoull(second, &end, 10);

			if (second[0] < '0' || second[0] > '9' || *end || given < first)
				return 0;
			if (given < last)
				last = given;
		}
		if (first >= size)
			return -1;
	}
	*ret_first = first;
	*ret_count = last - first + 1;
	return 1;
}

/* A small part of a file, from memory. NULL: it cannot be read, or not all of it. */
static struct MHD_Response *read_small(int fd, uint64_t first, uint64_t count)
{
	char *data = malloc(count ? count : 1);
	ssize_t size = 0;

	for (size_t at = 0; data && at < count; at += (size_t)size) {
		size = pread(fd, data + at, count - at, (off_t)(first + at));
		if (size <= 0) {
			free(data);
			return NULL;
		}
	}
	if (!data)
		return NULL;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(count, data, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(data);
	return response;
}

/* Of so many bytes of the file, which are sent unless only the head is asked for; takes the
 * descriptor. NULL: no memory. */
static struct MHD_Response *response_of(const struct exchange *exchange, int fd, uint64_t first,
					uint64_t count)
{
	const bool is_sent = strcmp(exchange->verb, MHD_HTTP_METHOD_HEAD) != 0;
	struct MHD_Response *response =
		is_sent && count <= SMALL_FILE ? read_small(fd, first, count) : NULL;

	if (response) {
		close(fd);
		return response;
	}
	response = MHD_create_response_from_fd_at_offset64(count, fd, first);
	if (!response)
		close(fd);
	return response;
}

static void answer_file(struct exchange *exchange, int fd, const struct stat *st,
			const char *path)
{
	char tag[80], modified[40], range[80];
	uint64_t size = (uint64_t)st->st_size, first = 0, count = size;
	struct MHD_Response *response;
	unsigned status = 200;
	struct tm tm;

	snprintf(tag, sizeof(tag), "\"%llx-%llx-%llx\"", (unsigned long long)st->st_ino,
		 (unsigned long long)st->st_mtim.tv_sec * 1000000000ull +
			 (unsigned long long)st->st_mtim.tv_nsec,
		 (unsigned long long)size);
	gmtime_r(&st->st_mtim.tv_sec, &tm);
	strftime(modified, sizeof(modified), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (is_unchanged(exchange, tag, modified)) {
		status = 304;
	} else {
		int r = range_of(exchange, tag, size, &first, &count);

		if (r < 0)
			status = 416;
		else if (r > 0)
			status = 206;
	}
	if (status == 304 || status == 416) {
		close(fd);
		if (status == 416) {
			exchange_answer_error(exchange, 416, ERRORS "RangeNotSatisfiable",
					      NULL);
			return;
		}
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	} else {
		response = response_of(exchange, fd, first, count);
	}
	if (response) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
		MHD_add_response_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, modified);
		MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
		if (status != 304) {
			MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
						type_of(path));
			MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES,
						"bytes");
		}
		if (status == 206) {
			snprintf(range, sizeof(range), "bytes %llu-%llu/%llu",
				 (unsigned long long)first,
				 (unsigned long long)(first + count - 1),
				 (unsigned long long)size);
			MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
		}
	}
	exchange_answer(exchange, status, response);
}

void files_serve(struct exchange *exchange, const char *url)
{
	const struct settings *settings = &exchange->server->settings;
	char path[PATH_SIZE];
	struct stat st;
	int fd = -ENOENT;

	if (decode(url, settings->index, path))
		fd = open_beneath(settings->root, path);
	if (fd >= 0 && fd > server_last_descriptor()) { /* these are left to others */
		close(fd);
		fd = -EMFILE;
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		answer_file(exchange, fd, &st, path);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
		exchange_answer_error(exchange, 503, ERRORS "Busy", NULL);
	else
		exchange_answer_error(exchange, 404, ERRORS "NotFound", NULL);
}
