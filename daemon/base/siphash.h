/* siphash.h - a word made from another with a secret: who does not have the secret can neither
 * guess it nor, having seen many, the next.
 *
 * SipHash-2-4 by Aumasson and Bernstein, for inputs of eight bytes. Pure; any process, any
 * thread.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

uint64_t siphash_word(const uint64_t key[2], uint64_t word);

#endif
