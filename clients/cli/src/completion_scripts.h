/* completion_scripts.h: the files in completion/, embedded by the build.
 */
#ifndef CLI_COMPLETION_SCRIPTS_H
#define CLI_COMPLETION_SCRIPTS_H

#include <stddef.h>

extern const unsigned char completion_bash[], completion_zsh[];
extern const size_t completion_bash_size, completion_zsh_size;

#endif
