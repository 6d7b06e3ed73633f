// deepbind.c - a plug-in opened with RTLD_DEEPBIND, found by this program's RUNPATH: each frees what the other made.
#include <dlfcn.h>

#include "program.h"

int main(void) {
  void* plugin = dlopen("libweir_test_plugin.so", RTLD_NOW | RTLD_DEEPBIND);
  if (plugin == NULL) {
    fprintf(stderr, "FAILED: %s\n", dlerror());
    return 1;
  }
  void (*take)(char*) = (void (*)(char*))dlsym(plugin, "plugin_take");
  char* (*give)(void) = (char* (*)(void))dlsym(plugin, "plugin_give");
  require(take != NULL && give != NULL, "the plug-in's functions");
  for (int i = 0; i < 100; ++i) {
    take(strdup("made by the program"));
    char* text = give();
    require(strcmp(text, "made by the plug-in") == 0, "the plug-in's text");
    free(text);
  }
  require(dlopen("no-such-library.so", RTLD_NOW) == NULL && dlerror() != NULL,
          "a missing one is refused with a reason");
  require(dlclose(plugin) == 0, "dlclose");
  puts("ok");
  return 0;
}
