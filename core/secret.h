// Secret: text that must not be printed. Zeroed when it goes; there is no stream operator and no formatter for it.
#pragma once

#include <string>
#include <string_view>

namespace postern {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  // Valid while this object lives and is not assigned to. Name the reason at the call.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void wipe() noexcept;

  std::string text_;
};

// Overwrites the whole of the string's memory, then empties it.
void wipe_string(std::string& text) noexcept;

}  // namespace postern
