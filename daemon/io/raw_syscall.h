/* raw_syscall.h - system calls that touch no memory of the thread, errno neither: for a process
 * that shares its parent's.
 *
 * Returns what the kernel does: a negative errno value on failure.
 */
#ifndef IO_RAW_SYSCALL_H
#define IO_RAW_SYSCALL_H

/* For functions that make them and nothing else: no sanitizer may keep account of what they
 * do. */
#define RAW_ALONE __attribute__((no_sanitize("address", "undefined", "thread")))

#if defined(__x86_64__)

RAW_ALONE __attribute__((always_inline)) static inline long raw_syscall(long number, long a,
									long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

RAW_ALONE __attribute__((always_inline)) static inline long raw_syscall(long number, long a,
									long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

#elif defined(__riscv)

RAW_ALONE __attribute__((always_inline)) static inline long raw_syscall(long number, long a,
									long b, long c, long d)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	return a0;
}

#else
#error "no system calls for this machine: see crash_context.h, too"
#endif

#endif
