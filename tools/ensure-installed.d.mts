export function reasonToInstall(root: string, withDevelopment: boolean): string | undefined;
