// plugin.c - the other half of deepbind.c.
#include <stdlib.h>
#include <string.h>

void plugin_take(char* text);
char* plugin_give(void);

void plugin_take(char* text) {
  free(text);
}

char* plugin_give(void) {
  return strdup("made by the plug-in");
}
