/* Labels of the security modules that confine by name: AppArmor, SELinux, Smack. */
#pragma once

#include "engine/build.h"

/* Checks that each module for which a label is asked is active in this kernel. The build's failure and origin are set when not. */
int label_check(struct build *build);

/* Appends the label that needs privilege over the host (Smack's); while the process has it. */
void label_emit_privileged(struct build *build);
/* Appends what the process changes to when it executes the payload. */
void label_emit(struct build *build);
