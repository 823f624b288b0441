export function repairTsMls() {
  return { name: "ts-mls-repairs" };
}
