// SPDX-License-Identifier: MIT
#include "cli/demo_stage.h"

#include <filesystem>

#include <stdlib.h>

namespace penstock::cli {

Result<DemoStage> DemoStage::open(const Arguments& arguments) {
  if (arguments.origin("--store") != "default") return DemoStage(arguments.store(), {});
  std::error_code failed;
  std::string name = std::filesystem::temp_directory_path(failed) / "penstock-demo-XXXXXX";
  if (failed || !mkdtemp(name.data())) {
    return Error{Errc::denied, "no folder can be made for temporary files (" + name +
                                   "): set TMPDIR, or give --store"};
  }
  return DemoStage("sqlite:" + name + "/demo.db", name);  // lint: store-words, the default URL
}

void DemoStage::remove() const {
  std::error_code failed;
  if (own()) std::filesystem::remove_all(folder_, failed);
}

}  // namespace penstock::cli
