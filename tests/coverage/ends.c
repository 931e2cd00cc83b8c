/* ends.c - processes of a coverage build leave their counts however they end by themselves.
 *
 * Only exit() writes the counts. Linked with --wrap=_exit and --wrap=syscall: a child that ends
 * at once, and one that sends itself the signal that it dies of, write theirs before.
 */
#include <stdarg.h>
#include <sys/syscall.h>

void __gcov_dump(void);
void __gcov_reset(void);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}

long __wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_exit_group || number == SYS_rt_tgsigqueueinfo) {
		__gcov_dump();
		__gcov_reset(); /* another thread may have more to write */
	}
	return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
			      arguments[4], arguments[5]);
}
