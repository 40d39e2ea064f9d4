/* A profile in Docker's JSON format, read and decided for this machine and payload. */
#pragma once

#include "engine/build.h"
#include "engine/seccomp-policy.h"

struct seccomp_profile;

/* Reads the file PATH for a payload that has CAPABILITIES. Returns 0 or a negative errno with the build's failure set: it
 * names the file and the key. */
int seccomp_profile_read(struct build *build, const char *path, uint64_t capabilities,
			 struct seccomp_profile **ret);
struct seccomp_profile *seccomp_profile_free(struct seccomp_profile *profile);
DEFINE_CLEANUP(struct seccomp_profile *, seccomp_profile_free);

/* Architectures besides the native one, as seccomp_policy_new() takes them; NULL: none. */
char *const *seccomp_profile_architectures(const struct seccomp_profile *profile);
/* Flags of seccomp(2). */
uint32_t seccomp_profile_flags(const struct seccomp_profile *profile);

/* Makes a fresh POLICY what the profile says. */
void seccomp_profile_fill(const struct seccomp_profile *profile, struct seccomp_policy *policy);
