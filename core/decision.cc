#include "core/decision.h"

namespace postern {

std::string words_of(const Refused& refused) {
  std::string words =
      refused.detail.empty() ? std::string(refusal_row(refused.refusal).text) : refused.detail;
  if (refused.wait.count() > 0) {
    words.append(": wait ").append(std::to_string(refused.wait.count())).append(" s");
  }
  return words;
}

}  // namespace postern
