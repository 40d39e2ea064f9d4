/* Credentials: LoadCredential= and its siblings, and a container's Secret=. The launched process gets them as files on a file system of its
 * own (interpret-files.c); here is what they are, where each is to be found, and the steps that make them.
 *
 * Entries of spec.credentials are texts: LOAD, LOAD_ENCRYPTED "NAME:SOURCE"; SET "NAME:VALUE" with C escapes; SET_ENCRYPTED
 * "NAME:BASE64"; IMPORT "NAME[*][:NEW NAME]". No content is ever shown to anybody. */
#pragma once

#include "engine/mountplan.h"

#define CREDENTIAL_SECRETS "/run/secrets"

enum { CREDENTIAL_MAX = 1024 }; /* files per unit */

/* A file name of printable characters without ':'. */
bool credential_name_valid(const char *name);
/* VALUE with its escapes taken out; may hold NULs. Heap, the caller's. -EINVAL: an escape that does not exist. */
int credential_unescape(const char *value, char **ret, size_t *ret_size);

/* Secret=NAME[,type=mount|env][,target=…][,uid=…][,gid=…][,mode=…] */
struct credential_secret {
	char *name, *target; /* target: never NULL */
	bool environment;
	uint32_t uid, gid; /* in the container */
	mode_t mode;
};
int credential_read_secret(const char *text, struct credential_secret *ret, struct failure *failure);
void credential_secret_deinit(struct credential_secret *secret);

bool credential_any(const struct spec *spec);
bool credential_needs_mounts(const struct spec *spec, const struct compile_context *context);
/* Whether what is found may be another thing at the next start. */
bool credential_varies(const struct spec *spec);

/* Makes the files, before everything else. */
int credential_emit(struct build *build);
/* Puts them in their places. KEPT as directory_collect(). */
int credential_collect(struct mountplan *plan, struct build *build, char ***kept);
/* Variables: $CREDENTIALS_DIRECTORY by SET; secrets of type env are appended to SECRETS as NAME=VALUE. */
int credential_export(struct build *build, int (*set)(char ***list, const char *name, const char *value),
		      char ***list);
int credential_export_secrets(struct build *build, char ***secrets);
