/* log.c - one line, one piece. */
#include "base/log.h"

#include "base/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether fd is the stream to the journal that the service manager says it made for us. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;
	char end;

	if (!stream || sscanf(stream, "%llu:%llu%c", &device, &inode, &end) != 2)
		return false;
	return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_init(struct log *log, int fd, const char *tag, int level)
{
	sink_init(&log->sink, fd);
	log->level = level;
	log->prefix = is_journal(fd);
	log->missed = 0;
	log->error = 0;
	log->on_stuck = NULL;
	log_set_tag(log, tag);
}

void log_fini(struct log *log)
{
	(void)log_flush(log);
	sink_fini(&log->sink);
}

void log_on_stuck(struct log *log, void (*on_stuck)(void *context), void *context)
{
	log->on_stuck = on_stuck;
	log->context = context;
}

void log_set_tag(struct log *log, const char *tag)
{
	snprintf(log->tag, sizeof(log->tag), "%s", tag);
}

/* Append to `line`, up to `room` bytes in all, what is safe to show of `text`. False: it did
 * not fit. */
static bool add_shown(char *line, size_t *size, size_t room, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = text_utf8_size(text, left);
		const unsigned char *at = (const unsigned char *)text;
		/* Control characters of ASCII, and those of Latin-1 in their two bytes. */
		bool shown = n == 1 ? *at >= 0x20 && *at != 0x7f
				    : n > 1 && !(at[0] == 0xc2 && at[1] < 0xa0);
		size_t takes = shown ? n : 4 * (n ? n : 1);

		if (takes > room - *size)
			return false;
		if (shown)
			memcpy(line + *size, text, n);
		else
			for (size_t i = 0; i < takes / 4; i++) {
				static const char digits[] = "0123456789abcdef";

				memcpy(line + *size + 4 * i, "\\x", 2);
				line[*size + 4 * i + 2] = digits[at[i] >> 4];
				line[*size + 4 * i + 3] = digits[at[i] & 15];
			}
		*size += takes;
		text += n ? n : 1;
		left -= n ? n : 1;
	}
	return true;
}

/* Write a line, made up of prefix, tag and text. */
static int put_line(struct log *log, int priority, const char *text)
{
	static const char cut[] = "...\n"; /* there is always room for it */
	const size_t room = LOG_LINE - (sizeof(cut) - 1);
	char line[LOG_LINE];
	size_t size = 0;

	if (log->prefix)
		size += (size_t)snprintf(line, sizeof(line), "<%d>", priority & 7);
	if (log->tag[0]) {
		add_shown(line, &size, room, log->tag);
		add_shown(line, &size, room, ": ");
	}
	if (add_shown(line, &size, room, text)) {
		line[size++] = '\n';
	} else {
		memcpy(line + size, cut, sizeof(cut) - 1);
		size += sizeof(cut) - 1;
	}
	return sink_put(&log->sink, line, size);
}

/* 0: nothing is left to report. */
static int report_missed(struct log *log)
{
	char text[128];
	int r;

	if (log->missed == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%ju line%s not written: %s", (uintmax_t)log->missed,
		       log->missed == 1 ? " was" : "s were",
		       log->error == -EAGAIN ? "the log was not read" : strerror(-log->error));
	r = put_line(log, LOG_P_WARNING, text);
	if (r == 0)
		log->missed = 0;
	return r;
}

bool log_flush(struct log *log)
{
	int saved = errno;
	bool is_done =
		sink_flush(&log->sink) && report_missed(log) == 0 && sink_flush(&log->sink);

	errno = saved;
	return is_done;
}

void log_write(struct log *log, int priority, const char *format, ...)
{
	char text[LOG_LINE];
	int saved = errno, r;
	va_list arguments;

	if (priority > log->level)
		return;
	va_start(arguments, format);
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		snprintf(text, sizeof(text), "(a message that could not be formatted: %s)",
			 format);
	va_end(arguments);
	r = report_missed(log);
	if (r == 0)
		r = put_line(log, priority, text);
	if (r < 0) {
		log->missed++;
		log->error = r;
	}
	if (log->on_stuck && (log->missed > 0 || log->sink.held > 0))
		log->on_stuck(log->context);
	errno = saved;
}
