// GMime's objects owned as C++ owns things. Included by postern_mime's files only.
#pragma once

#include <gmime/gmime.h>

#include <memory>
#include <string>

namespace postern::mime {

struct GObjectUnref {
  template <class T>
  void operator()(T* object) const {
    g_object_unref(object);
  }
};
template <class T>
using GObjectPtr = std::unique_ptr<T, GObjectUnref>;

struct GFree {
  void operator()(char* text) const { g_free(text); }
};
using GText = std::unique_ptr<char, GFree>;

inline std::string text_of(const char* text) { return text ? std::string(text) : std::string(); }

// GMime sets up its tables once a process.
inline void init_gmime() {
  static const bool is_ready = [] {
    g_mime_init();
    return true;
  }();
  static_cast<void>(is_ready);
}

}  // namespace postern::mime
