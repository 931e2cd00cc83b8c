/* cleanup.h - locals that let go of what they hold when their scope ends.
 *
 * Usage: `cleanup_free char *text = NULL;`, `cleanup_close int fd = -1;`; hand the value on
 * with take_pointer(&text) or take_fd(&fd).
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static inline void cleanup_free_run(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_run(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_fclose_run(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define cleanup(function) __attribute__((cleanup(function)))
#define cleanup_free      cleanup(cleanup_free_run)
#define cleanup_close     cleanup(cleanup_close_run)
#define cleanup_fclose    cleanup(cleanup_fclose_run)

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define take_pointer(place)                                                                    \
	({                                                                                     \
		__typeof__(place) place_ = (place);                                            \
		__typeof__(*place_) taken_ = *place_;                                          \
		*place_ = NULL;                                                                \
		taken_;                                                                        \
	})

#endif
