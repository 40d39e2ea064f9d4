/* Namespaces, id maps, network attach: what a container does not share. */
#pragma once

#include "engine/build.h"

/* Decides which namespaces are made or joined and how ids are mapped: sets `namespaces`, `own_ids`, `owner`,
 * `clone_flags`. */
int isolation_decide(struct build *build);

/* Appends joins and new namespaces, up to where the mounts begin. */
int isolation_emit(struct build *build);
/* Appends the wait for the network, IPC and UTS namespaces, the first time: before the first step that needs
 * one of them. */
void isolation_emit_owned(struct build *build);
/* Appends the entry into the user namespace, after the mounts. */
void isolation_emit_enter_user(struct build *build);
/* Instead of both: joins everything that the process context->join_pidfd has of its own. */
void isolation_emit_join(struct build *build);

/* Is FD, opened from PATH, a namespace of the kind of FLAG (CLONE_NEW*)? Else FAILURE says what it should be. */
int isolation_check_namespace(int fd, uint32_t flag, const char *path, struct failure *failure);

/* What a uid or gid of the container is on the host; UINT32_MAX when it is not mapped. */
uint32_t isolation_outside_uid(const struct build *build, uint32_t uid);
uint32_t isolation_outside_gid(const struct build *build, uint32_t gid);
